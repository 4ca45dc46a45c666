// The admin page over a fake API: what is shown in which state, and what is sent.

import { cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/preact';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeApi, Refused } from '../../tests/fake-api';
import { App } from './App';
import { flash } from './flash';
import { parse, route, type Section } from './router';
import { reason, resume, session, signIn } from './session';

const ADMIN = { user_id: 'root', role: 'admin' };
const WEBHOOK = {
  id: 'w1',
  url: 'https://example.org/hook',
  events: ['message', 'message_changed'],
  created_at: '2026-05-01T12:00:00.000Z',
  by: 'root',
  state: 'paused',
  last_error: 'status 500',
  delivered: 12,
};
let api: FakeApi;

beforeEach(() => {
  api = new FakeApi();
  api.answers['GET me'] = ADMIN;
  api.answers['GET stats'] = new Refused(503, 'unavailable', 'busy');
});
afterEach(() => {
  cleanup();
  session.value = null;
  flash.value = null;
  reason.value = '';
  sessionStorage.clear();
  vi.unstubAllGlobals();
});

function go(section: Section): void {
  history.replaceState(null, '', `/admin#${section}`);
  route.value = parse(location.hash);
}

async function open(section: Section): Promise<void> {
  await signIn('a-token');
  go(section);
  render(<App />);
}

const button = (name: string | RegExp) => screen.findByRole('button', { name });
const click = async (name: string | RegExp) => fireEvent.click(await button(name));
const dialog = async () => within(await screen.findByRole('dialog'));
const type = (label: string | RegExp, value: string) =>
  fireEvent.input(screen.getByLabelText(label), { target: { value } });

test('a wrong token is said to be wrong, and a right one is kept for this tab', async () => {
  api.answers['GET me'] = new Refused(401, 'unauthorized', 'the token is not valid');
  render(<App />);
  type('Token', '  wrong ');
  fireEvent.submit(screen.getByLabelText('Token').closest('form') as HTMLFormElement);
  expect(await screen.findByText(/the token is not valid/)).toBeTruthy();
  expect(api.asked.at(-1)?.token).toBe('wrong');
  expect(sessionStorage.length).toBe(0);
  api.answers['GET me'] = ADMIN;
  type('Token', 'right');
  await click('Sign in');
  expect(await screen.findByRole('heading', { level: 1 })).toBeTruthy();
  session.value = null;
  await resume();
  expect(session.value).toMatchObject({ me: ADMIN });
  await click('Sign out');
  expect(await screen.findByLabelText('Token')).toBeTruthy();
  expect(sessionStorage.length).toBe(0);
});

test('nothing, and what no header carries, is refused before the server is asked', async () => {
  render(<App />);
  await click('Sign in');
  expect(await screen.findByText('Paste a token.')).toBeTruthy();
  type('Token', 'schlüssel');
  await click('Sign in');
  expect(await screen.findByText('This is no token.')).toBeTruthy();
  expect(api.asked).toEqual([]);
});

test('a token in the address signs in, and is gone from there', async () => {
  history.replaceState(null, '', '/admin#token=2.abc');
  await resume();
  expect(location.hash).toBe('');
  expect(api.asked[0]?.token).toBe('2.abc');
});

test('a token that is revoked meanwhile leads back to the sign-in, with the reason', async () => {
  api.answers['GET audit'] = new Refused(401, 'unauthorized', 'the token was revoked');
  await open('audit');
  expect(await screen.findByText('You were signed out: the token was revoked.')).toBeTruthy();
  expect(screen.getByLabelText('Token')).toBeTruthy();
  expect(sessionStorage.length).toBe(0);
});

test('a moderator is told what only an admin may see', async () => {
  api.answers['GET me'] = { user_id: 'm', name: 'Mo', role: 'moderator', rooms: ['tech'] };
  api.answers['GET settings'] = new Refused(403, 'forbidden');
  await open('settings');
  expect(await screen.findByText(/Only an admin may see this/)).toBeTruthy();
  expect(screen.getByText('Only in #tech')).toBeTruthy();
});

test('a list says that it fails, is tried again, and comes in pages', async () => {
  const line = (id: number) => ({
    id,
    at: '2026-05-01T12:00:00Z',
    action: 'ban',
    actor: 'root',
    username: `User ${id}`,
  });
  api.answers['GET audit'] = new TypeError('network');
  await open('audit');
  expect(await screen.findByText(/The server does not answer/)).toBeTruthy();
  api.answers['GET audit'] = { lines: [line(2)], more: true };
  await click('Try again');
  await screen.findByText('User 2');
  api.answers['GET audit'] = { lines: [line(1)], more: false };
  await click('Show more');
  await screen.findByText('User 1');
  expect(screen.getByText('User 2')).toBeTruthy();
  expect(screen.queryByRole('button', { name: 'Show more' })).toBeNull();
  type('By or about', 'user 2');
  await waitFor(() => expect(screen.queryByText('User 1')).toBeNull());
  type('By or about', 'nobody');
  expect(await screen.findByText('Nothing that is loaded matches.')).toBeTruthy();
});

test('a server without webhooks and without a word filter says so', async () => {
  await open('webhooks');
  expect(await screen.findByText('This server has no webhooks.')).toBeTruthy();
  expect(await screen.findByText('This server has no addresses for incoming messages.')).toBeTruthy();
  go('held');
  expect(await screen.findByText('This server holds no messages for review.')).toBeTruthy();
});

test('a webhook is added with its secret shown once, tested, resumed and deleted', async () => {
  api.answers['GET webhooks'] = { webhooks: [WEBHOOK], more: false };
  api.answers['POST webhooks'] = { ...WEBHOOK, id: 'w2', secret: 'the-secret' };
  api.answers['POST webhooks/w1/test'] = { delivered: true, status: 200, body: 'ok' };
  api.answers['POST webhooks/w1/resume'] = {};
  api.answers['DELETE webhooks/w1'] = {};
  await open('webhooks');
  await screen.findByText('status 500');
  await click('Add a webhook');
  const form = await dialog();
  fireEvent.input(form.getByLabelText('Address'), { target: { value: 'https://example.org/2' } });
  fireEvent.input(form.getByLabelText('Rooms'), { target: { value: '#tech, music' } });
  fireEvent.click(form.getByLabelText('Joins, leaves and new names'));
  fireEvent.click(form.getByRole('button', { name: 'Add' }));
  expect(await screen.findByText('the-secret')).toBeTruthy();
  expect(api.bodies('POST webhooks')).toEqual([
    { url: 'https://example.org/2', rooms: ['tech', 'music'], events: ['message', 'system_message'] },
  ]);
  await click('I have it');
  await waitFor(() => expect(screen.queryByText('the-secret')).toBeNull());
  await click(`Send a test to ${WEBHOOK.url}`);
  await screen.findByText('The receiver took the test: it answered 200.');
  api.answers['POST webhooks/w1/test'] = { delivered: false, status: 500, body: '' };
  await click(`Send a test to ${WEBHOOK.url}`);
  await screen.findByText('The receiver answered 500.');
  await click(`Resume ${WEBHOOK.url}`);
  await screen.findByText('The webhook goes on.');
  await click(`Delete ${WEBHOOK.url}`);
  fireEvent.click((await dialog()).getByRole('button', { name: 'Delete' }));
  await screen.findByText('The webhook is deleted.');
});

test('a refused webhook keeps the form, and says why', async () => {
  api.answers['GET webhooks'] = { webhooks: [], more: false };
  api.answers['POST webhooks'] = new Refused(400, 'invalid_request', 'url must be https');
  await open('webhooks');
  await click('Add a webhook');
  const form = await dialog();
  fireEvent.input(form.getByLabelText('Address'), { target: { value: 'ftp://x' } });
  fireEvent.click(form.getByRole('button', { name: 'Add' }));
  expect(await form.findByText('url must be https')).toBeTruthy();
  expect((form.getByLabelText('Address') as HTMLInputElement).value).toBe('ftp://x');
});

test('an incoming address is made, and shown once with the command that uses it', async () => {
  const hook = { id: 'h1', room: 'tech', created_at: '2026-05-01T12:00:00Z', by: 'root' };
  api.answers['GET rooms'] = { rooms: [{ name: 'tech' }, { name: 'music' }], more: false };
  api.answers['GET hooks'] = { hooks: [hook], more: false };
  api.answers['POST hooks'] = { ...hook, path: '/api/hooks/h1/secret' };
  api.answers['DELETE hooks/h1'] = {};
  await open('webhooks');
  await click('Add an address');
  const form = await dialog();
  fireEvent.change(await form.findByLabelText('Room'), { target: { value: 'music' } });
  fireEvent.input(form.getByLabelText('Name'), { target: { value: 'CI' } });
  fireEvent.click(form.getByRole('button', { name: 'Add' }));
  expect(await screen.findByText(/curl .*\/api\/hooks\/h1\/secret/)).toBeTruthy();
  expect(api.bodies('POST hooks')).toEqual([{ room: 'music', username: 'CI' }]);
  await click('I have it');
  await click('Delete the address of tech');
  fireEvent.click((await dialog()).getByRole('button', { name: 'Delete' }));
  await screen.findByText('The address is deleted.');
});

test('a held message is released with one click, and discarded after a question', async () => {
  const held = {
    id: '7',
    room: 'tech',
    user_id: 'u',
    username: 'Bob',
    text: 'a rude word',
    at: '2026-05-01T12:00:00Z',
  };
  api.answers['GET held'] = { held: [held], more: false };
  api.answers['POST held/7'] = {};
  await open('held');
  await click('Release the message of Bob');
  await screen.findByText('The message is in its room.');
  await click('Discard the message of Bob');
  const question = await dialog();
  expect(question.getByText('a rude word')).toBeTruthy();
  fireEvent.click(question.getByRole('button', { name: 'Discard' }));
  await screen.findByText('The message is discarded.');
  expect(api.bodies('POST held/7')).toEqual([{ action: 'release' }, { action: 'discard' }]);
});

test('a person is banned for a time, with a reason and their networks', async () => {
  api.answers['GET rooms'] = { rooms: [{ name: 'tech', members: 1 }], more: false };
  api.answers['GET rooms/tech/users'] = {
    users: [{ user_id: 'u1', username: 'Bob' }],
    total: 1,
    more: false,
  };
  api.answers['POST moderation'] = { ok: true };
  await open('people');
  await click('Ban Bob');
  const form = await dialog();
  fireEvent.change(form.getByLabelText('For how long'), { target: { value: '86400' } });
  fireEvent.input(form.getByLabelText('Reason'), { target: { value: ' spam ' } });
  fireEvent.click(form.getByRole('checkbox'));
  fireEvent.click(form.getByRole('button', { name: 'Ban' }));
  await screen.findByText('Bob is banned.');
  const body = { action: 'ban', user_id: 'u1', reason: 'spam', for_s: 86_400, address: true };
  expect(api.bodies('POST moderation')).toEqual([body]);
});

test('a room has its newest message, which is read again only when there is another', async () => {
  const room = {
    name: 'tech',
    members: 1,
    last_id: 4,
    lag: 0,
    topic: '',
    slow_mode_s: 0,
    locked: false,
    pinned: [],
  };
  const message = { id: 4, sender: 'Bob', text: 'Hello', timestamp: '2026-05-01T12:00:00Z' };
  api.answers['GET rooms'] = { rooms: [room, { ...room, name: 'music', last_id: 0 }], more: false };
  api.answers['GET rooms/tech/messages'] = { messages: [message] };
  await open('rooms');
  expect(await screen.findByText('Hello')).toBeTruthy();
  document.dispatchEvent(new Event('visibilitychange'));
  await waitFor(() => expect(api.bodies('GET rooms').length).toBe(2));
  expect(api.bodies('GET rooms/tech/messages').length).toBe(1);
  expect(api.bodies('GET rooms/music/messages').length).toBe(0);
});
