// What belongs to this tab only, in sessionStorage: its name, drafts by room, the session token over a reload, and
// whether this tab was in a room. A duplicated tab starts with a copy.

import { STORAGE_PREFIX as PREFIX } from './base';

function get(key: string): string | null {
  try {
    return sessionStorage.getItem(PREFIX + key);
  } catch {
    return null;
  }
}

function set(key: string, value: string | null): void {
  try {
    if (value === null || value === '') sessionStorage.removeItem(PREFIX + key);
    else sessionStorage.setItem(PREFIX + key, value);
  } catch {
    // Without storage everything works, but is forgotten.
  }
}

export const draft = (room: string) => get(`draft.${room}`) ?? '';
export const saveDraft = (room: string, text: string) => set(`draft.${room}`, text);

/** The key of the message that the draft was, before it was taken back. */
export const draftKey = (room: string) => get(`draftKey.${room}`) ?? undefined;
export const saveDraftKey = (room: string, key: string | undefined) => set(`draftKey.${room}`, key ?? null);

export const tabName = () => get('name');
export const saveTabName = (name: string) => set('name', name);

export const wasIn = () => get('in') !== null;
export const saveIn = (inside: boolean) => set('in', inside ? '1' : null);

/**
 * The token is in storage only while no page holds it. A duplicated tab copies the storage of a page that is open,
 * and so gets none: it is another member, and does not push the first one out.
 */
export function takeToken(): string | null {
  const token = get('token');
  set('token', null);
  return token;
}

/** A token in the address, as `hubbub token` makes links. It does not stay there, where it could be copied. */
export function tokenInAddress(): string | undefined {
  const [page, token] = location.href.split('#token=');
  history.replaceState(null, '', page);
  return token;
}

export const keepToken = (token: string | null) => set('token', token);
