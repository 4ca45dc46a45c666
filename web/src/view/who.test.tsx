// Who is who: tags and colours.

import { cleanup, render, screen } from '@testing-library/preact';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Chat } from '../../client/src/chat.js';
import { DEFAULTS } from '../../client/src/options.js';
import { FakeSocket, message } from '../../tests/fake-socket';
import { EMPTY, toMessage, toNotice } from '../log/timeline';
import { Store } from '../state/store';
import { StoreContext } from './context';
import { Room } from './Room';
import { whoIsWho } from './who';

const me = { name: 'Ada', userId: 'me' };
const at = '2026-01-01T00:00:00.000Z';
const said = (id: number, user_id: string, sender: string) =>
  toMessage(EMPTY, message(id, 'hi', { user_id, sender }), me);
const user = (user_id: string, username: string) => ({ user_id, username });

describe('a tag', () => {
  it('tells people of one name apart, and nobody else', () => {
    const who = whoIsWho([user('a-0001', 'Sam'), user('b-0002', 'Sam'), user('c-0003', 'Cy')], []);
    expect([who.tag('a-0001', 'Sam'), who.tag('b-0002', 'Sam'), who.tag('c-0003', 'Cy')]).toEqual([
      '#0001',
      '#0002',
      '',
    ]);
  });

  it('stays when an impersonator has left', () => {
    const who = whoIsWho([user('a-0001', 'Grace')], [said(1, 'a-0001', 'Grace'), said(2, 'x-0009', 'Grасe')]);
    expect([who.tag('a-0001', 'Grace'), who.tag('x-0009', 'Grасe')]).toEqual(['#0001', '#0009']);
  });

  it('is also of those who are known by a notice only, and of former names', () => {
    const joined = toNotice(EMPTY, {
      ...{ kind: 'joined', username: 'ADA', user_id: 'x-0009' },
      text: '',
      timestamp: at,
    });
    expect(whoIsWho([user('a-0001', 'Ada')], [joined]).tag('a-0001', 'Ada')).toBe('#0001');
    const renamed = toNotice(EMPTY, {
      ...{ kind: 'renamed', username: 'Zed', user_id: 'x-0009' },
      text: 'Ada is now known as Zed',
      timestamp: at,
    });
    const who = whoIsWho([user('a-0001', 'Ada'), user('x-0009', 'Zed')], [renamed]);
    expect([who.tag('a-0001', 'Ada'), who.tag('x-0009', 'Zed')]).toEqual(['#0001', '']);
  });

  it('is not of one person under several names, nor where the server knows no users', () => {
    const entries = [said(1, 'a-0001', 'Sam'), said(2, 'a-0001', 'SAM')];
    expect(whoIsWho([], entries).tag('a-0001', 'Sam')).toBe('');
    expect(whoIsWho([], []).tag(null, 'Sam')).toBe('');
  });

  it('is as long as it takes', () => {
    const who = whoIsWho([user('aa10001', 'Sam'), user('bb20001', 'Sam')], []);
    expect([who.tag('aa10001', 'Sam'), who.tag('bb20001', 'Sam')]).toEqual(['#10001', '#20001']);
  });

  it('is there for the first word of somebody who is not known yet', () => {
    expect(whoIsWho([user('a-0001', 'Sam')], []).tag('x-0009', 'Sam')).toBe('#0009');
  });
});

describe('in the room', () => {
  let socket: FakeSocket;
  let store: Store;
  beforeEach(() => {
    vi.useFakeTimers();
    socket = new FakeSocket();
    store = new Store(new Chat(() => socket, DEFAULTS));
    store.connection.connect();
    store.signIn.submit('tech', 'Ada');
    socket.up();
    socket.confirm({ users: [user('me', 'Ada'), user('a-0001', 'Grace')] });
    render(
      <StoreContext.Provider value={store}>
        <Room />
      </StoreContext.Provider>,
    );
  });
  afterEach(() => {
    cleanup();
    vi.useRealTimers();
  });
  const come = (id: number, kind: 'joined' | 'left') =>
    socket.say('system_message', {
      ...{ id, kind, username: 'Grасe', user_id: 'x-0009', room: 'tech' },
      text: '',
      timestamp: at,
    });
  const frame = () => vi.advanceTimersByTimeAsync(200);
  const all = (selector: string) =>
    [...document.querySelectorAll(selector)].map((found) => found.textContent);

  it('both are tagged in messages, notices, the list and typing, and the one who is left stays so', async () => {
    socket.say('receive_message', message(1, 'it is me', { sender: 'Grace', user_id: 'a-0001' }));
    await frame();
    expect(all('.log .tag')).toEqual([]);
    come(2, 'joined');
    socket.say('receive_message', message(3, 'no, me', { sender: 'Grасe', user_id: 'x-0009' }));
    socket.say('typing', { room: 'tech', users: [user('x-0009', 'Grасe')] });
    await frame();
    expect(all('.log .tag')).toEqual(['#0001', '#0009']);
    expect(all('.people-list .tag')).toEqual(['#0001', '#0009']);
    expect(all('.notice')[0]).toContain('#0009');
    expect(all('.typing')).toEqual(['Grасe #0009 is typing…']);
    const colours = [...document.querySelectorAll<HTMLElement>('.log .m')].map((row) =>
      row.style.getPropertyValue('--hue'),
    );
    expect(colours[0]).not.toBe(colours[1]);
    come(4, 'left');
    await frame();
    expect(all('.log .tag')).toEqual(['#0001', '#0009']);
    expect(all('.people-list .tag')).toEqual(['#0001']);
    expect(screen.getByTitle('Mention Grace #0001')).toBeTruthy();
  });
});
