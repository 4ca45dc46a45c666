// Who is signed in: a token, and whose it is. The token is in this tab's sessionStorage only.

import { signal } from '@preact/signals';
import { base, STORAGE_PREFIX } from '../state/base';
import { Api, ApiFailure, messageOf } from './api';
import type { Me } from './types';

const KEY = `${STORAGE_PREFIX}admin.token`;

export interface Session {
  api: Api;
  me: Me;
}

export const session = signal<Session | null>(null);
/** Why there is no session, for the person who has to sign in. */
export const reason = signal('');
/** A token is being checked. */
export const checking = signal(false);

function keep(token: string | null): void {
  try {
    if (token === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, token);
  } catch {
    // Without storage the token is needed again after a reload.
  }
}

function kept(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** A token in the address, as `hubbub token` makes links. It does not stay there, where it could be copied. */
function tokenInAddress(): string | null {
  const [page, token] = location.href.split('#token=');
  if (!token) return null;
  history.replaceState(null, '', page);
  return token;
}

const signedOut = new Api(`${base}api/v1/`, '');

/** The API with the token of the person who is signed in. */
export const api = () => session.peek()?.api ?? signedOut;

export const isAdmin = () => session.value?.me.role === 'admin';

export async function signIn(token: string): Promise<void> {
  // A late answer to a token that was given up says nothing about the one in use.
  const asked: Api = new Api(`${base}api/v1/`, token, (failure) => {
    if (session.peek()?.api === asked) expire(failure);
  });
  checking.value = true;
  reason.value = '';
  try {
    const me = await asked.get<Me>('me');
    keep(token);
    session.value = { api: asked, me };
  } catch (error) {
    session.value = null;
    const failure = error instanceof ApiFailure ? error : null;
    // A server that does not answer may know the token: it is kept for the next try.
    if (failure && [401, 403].includes(failure.status)) keep(null);
    reason.value = reasonOf(error);
  } finally {
    checking.value = false;
  }
}

function reasonOf(error: unknown): string {
  const failure = error instanceof ApiFailure ? error : null;
  if (failure?.status === 401) return `The server does not accept this: ${failure.message}.`;
  if (failure?.status === 403 && failure.message.includes('role')) {
    return 'This token is one of a member. The page needs a token of a moderator or an admin.';
  }
  return messageOf(error);
}

/** The server no longer accepts the token in the middle of the work. */
function expire(failure: ApiFailure): void {
  session.value = null;
  keep(null);
  reason.value = `You were signed out: ${failure.message}.`;
}

export function signOut(): void {
  session.value = null;
  keep(null);
  reason.value = '';
}

/** Signs in with the token of the address, or the one that this tab had before a reload. */
export async function resume(): Promise<void> {
  const token = tokenInAddress() ?? kept();
  if (token) await signIn(token);
}

// A link with another token, opened where this page is open already.
addEventListener('hashchange', () => {
  const token = tokenInAddress();
  if (token) void signIn(token);
});
