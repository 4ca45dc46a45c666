// Components over a store with a fake socket, and the pure parts of the view.

import { cleanup, fireEvent, render, screen } from '@testing-library/preact';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Chat } from '../../client/src/chat.js';
import { DEFAULTS } from '../../client/src/options.js';
import { FakeSocket, message } from '../../tests/fake-socket';
import { choose, setLanguage, t } from '../i18n';
import { EMPTY, toMessage, toNotice } from '../log/timeline';
import { prefs } from '../state/prefs';
import { Store } from '../state/store';
import { LogWindow, WINDOW, WINDOW_MAX } from '../state/window';
import { candidates, wordAt } from './candidates';
import { StoreContext } from './context';
import { Room } from './Room';
import { rows } from './rows';
import { SignIn } from './SignIn';

const me = { name: 'Ada', userId: 'me' };
const said = (id: number, more = {}) => toMessage(EMPTY, message(id, `m${id}`, more), me);
const kinds = (entries: Parameters<typeof rows>[0]['entries'], newFrom: number | null = null) =>
  rows({ entries, pending: [], newFrom, me }).map((row) =>
    row.kind === 'message' ? `${row.head ? 'head' : 'more'}` : row.kind,
  );

describe('rows', () => {
  it('are grouped by author and time', () => {
    const later = { timestamp: '2026-01-01T00:06:00.000Z' };
    expect(
      kinds([
        said(1),
        said(2),
        said(3, { sender: 'Cy', user_id: 'c' }),
        said(4, { sender: 'Cy', user_id: 'c', ...later }),
      ]),
    ).toEqual(['day', 'head', 'more', 'head', 'head']);
  });

  it('have a line per day and one before what is new', () => {
    expect(
      kinds(
        [
          said(1),
          said(2, { timestamp: '2026-01-03T12:00:00.000Z' }),
          said(3, { timestamp: '2026-01-03T12:00:00.000Z' }),
        ],
        3,
      ),
    ).toEqual(['day', 'head', 'day', 'head', 'new', 'head']);
  });

  it('fold comings and goings', () => {
    const notice = (id: number, kind: 'joined' | 'left') =>
      toNotice(EMPTY, { id, kind, username: `u${id}`, text: '', timestamp: '2026-01-01T00:00:00.000Z' });
    expect(kinds([notice(1, 'joined'), notice(2, 'joined'), notice(3, 'left'), said(4)])).toEqual([
      'day',
      'notices',
      'head',
    ]);
  });
});

describe('the window', () => {
  const entries = Array.from({ length: 1000 }, (_, i) => said(i + 1));

  it('shows the end, and moves with the reader', () => {
    const log = new LogWindow();
    expect(log.range(entries)).toEqual([1000 - WINDOW, 1000]);
    log.hold(entries);
    log.up(entries);
    expect(log.range(entries)).toEqual([700, 1000]);
    log.up(entries);
    log.up(entries);
    expect(log.range(entries)).toEqual([500, 500 + WINDOW_MAX]);
    expect(log.down(entries)).toBe(true);
    expect(log.range(entries)).toEqual([600, 1000]);
    expect(log.down(entries)).toBe(false);
    log.reset();
    expect(log.range(entries)).toEqual([800, 1000]);
  });

  it('stays where it is while others write, and grows no further than its bound', () => {
    const log = new LogWindow();
    log.hold(entries.slice(0, 300));
    expect(log.range(entries.slice(0, 450))).toEqual([100, 450]);
    expect(log.range(entries)).toEqual([100, 500]);
  });

  it('is moved to what is to be seen', () => {
    const log = new LogWindow();
    log.reveal(entries, 950);
    expect(log.range(entries)).toEqual([800, 1000]);
    log.reveal(entries, 400);
    expect(log.range(entries)).toEqual([299, 699]);
  });
});

describe('completing names', () => {
  const users = ['Bob', 'ada', 'Adam', 'Ada Lovelace', 'Zoë', 'Jean-Luc Picard'].map((username, i) => ({
    user_id: `u${i}`,
    username,
  }));
  const found = (word: string) => candidates(users, word).map(({ username }) => username);

  it.each([
    ['hi @ad', 'ad'],
    ['mail@ad', null],
    ['@', ''],
    ['hi @Ada Lo', 'Ada Lo'],
    ['(@jean-luc p', 'jean-luc p'],
    ['see @ home', null],
    ['@ada\nnext line', null],
    ['@ada and @bo', 'bo'],
    ['no sign at all', null],
    [`@${'x'.repeat(200)}`, null],
  ])('looks at what stands before the caret in %j', (text, word) =>
    expect(wordAt(text, text.length)).toBe(word),
  );

  it('finds them by the beginning of the name, then of a word of it, then by any part', () => {
    expect(found('AD')).toEqual(['ada', 'Ada Lovelace', 'Adam']);
    expect(found('love')).toEqual(['Ada Lovelace']);
    expect(found('pic')).toEqual(['Jean-Luc Picard']);
    expect(found('l')).toEqual(['Ada Lovelace', 'Jean-Luc Picard']);
    expect(found('car')).toEqual(['Jean-Luc Picard']);
    expect(found('zoe')).toEqual(['Zoë']);
  });

  it('goes on over spaces, and ends where the name does or a sentence begins', () => {
    expect(found('Ada L')).toEqual(['Ada Lovelace']);
    expect(found('jean-luc picard')).toEqual(['Jean-Luc Picard']);
    expect([found('Bob '), found('bob how are'), found('Ada ')]).toEqual([[], [], []]);
  });
});

describe('languages', () => {
  afterEach(() => setLanguage('en'));

  it('are chosen by what the reader wants', () => {
    expect(choose(['xx', 'de-AT', 'en'])).toEqual({ language: 'de', locale: 'de-AT' });
    expect(choose(['xx']).language).toBe('en');
  });

  it('have their own plurals and direction', async () => {
    await setLanguage('ar');
    expect([t('newBelow', { n: 2 }), document.documentElement.dir]).toEqual(['رسالتان جديدتان', 'rtl']);
    await setLanguage('fr');
    expect([t('newBelow', { n: 0 }), document.documentElement.dir]).toEqual(['0 nouveau message', 'ltr']);
  });
});

describe('components', () => {
  let socket: FakeSocket;
  let store: Store;
  const show = (what: preact.ComponentChildren) =>
    render(<StoreContext.Provider value={store}>{what}</StoreContext.Provider>);

  beforeEach(() => {
    sessionStorage.clear();
    prefs.name.value = '';
    socket = new FakeSocket();
    store = new Store(new Chat(() => socket, DEFAULTS));
    store.connection.connect();
  });
  afterEach(cleanup);

  it('signs in with a name and a room', async () => {
    show(<SignIn />);
    socket.up();
    const button = await screen.findByRole('button', { name: 'Join #general' });
    fireEvent.click(button);
    expect((await screen.findByText('Please enter a name.')).id).toBe('name-error');
    fireEvent.input(screen.getByLabelText('Your name'), { target: { value: ' Ada ' } });
    fireEvent.click(screen.getByRole('radio', { name: /tech/ }));
    fireEvent.click(button);
    expect(socket.last('join_room').payload).toMatchObject({ room_name: 'tech', username: 'Ada' });
    expect(await screen.findByText('Joining…')).toBeTruthy();
  });

  it('marks the rooms that have something new, and says so', async () => {
    store.signIn.submit('tech', 'Ada');
    socket.up();
    socket.confirm();
    show(<Room />);
    socket.say('activity', { rooms: { general: 1, tech: 1 } });
    const room = (name: string) => screen.findByRole('button', { name });
    await room('general 0 online');
    socket.say('activity', { rooms: { general: 2, tech: 2 } });
    const marked = await room('general New messages 0 online');
    expect((await room('tech 1 online')).getAttribute('aria-current')).toBe('page');
    fireEvent.click(marked);
    socket.confirm({
      room: 'general',
      epoch: 'g',
      last_id: 2,
      history: [message(2, 'hi', { room: 'general' })],
    });
    await room('general 0 online');
  });

  it('shows a message as text, whatever is in it', async () => {
    store.signIn.submit('tech', 'Ada');
    socket.up();
    socket.confirm({ history: [message(1, '<img src=x onerror=alert(1)> *b*')], last_id: 1 });
    const { container } = show(<Room />);
    expect(container.querySelector('.log .text')?.textContent).toBe('<img src=x onerror=alert(1)> b');
    expect(container.querySelector('.log img')).toBeNull();
    fireEvent.input(screen.getByLabelText('Message #tech'), { target: { value: 'hi' } });
    fireEvent.submit(container.querySelector('.composer') as Element);
    expect(socket.last('send_message').payload.text).toBe('hi');
    expect(container.querySelector('.m.own.sending .text')?.textContent).toBe('hi');
  });

  it('says Today until midnight, and Yesterday from then on', async () => {
    vi.useFakeTimers({ now: new Date(2026, 4, 1, 23, 58) });
    document.dispatchEvent(new Event('visibilitychange'));
    store.signIn.submit('tech', 'Ada');
    socket.up();
    const timestamp = new Date().toISOString();
    socket.confirm({ history: [message(1, 'late', { timestamp })], last_id: 1 });
    const { container } = show(<Room />);
    const days = () => [...container.querySelectorAll('.day')].map((row) => row.textContent);
    expect(days()).toEqual(['Today']);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(days()).toEqual(['Today']);
    await vi.advanceTimersByTimeAsync(61_000);
    expect(days()).toEqual(['Yesterday']);
    socket.say('receive_message', message(2, 'early', { timestamp: new Date().toISOString() }));
    await vi.advanceTimersByTimeAsync(200);
    expect(days()).toEqual(['Yesterday', 'Today']);
    // A machine that slept over two midnights.
    vi.setSystemTime(new Date(2026, 4, 4, 9, 0));
    document.dispatchEvent(new Event('visibilitychange'));
    await vi.advanceTimersByTimeAsync(1);
    expect(days().join()).not.toMatch(/Today|Yesterday/);
    vi.useRealTimers();
  });

  describe('the arrow up in an empty composer', () => {
    const field = () => screen.getByLabelText('Message #tech') as HTMLTextAreaElement;
    const write = (text: string) => {
      fireEvent.input(field(), { target: { value: text } });
      fireEvent.keyDown(field(), { key: 'Enter' });
    };
    const up = (more = {}) => fireEvent.keyDown(field(), { key: 'ArrowUp', ...more });
    const wire = () => socket.last('send_message');
    const refuse = (code: string) => wire().ack({ ok: false, error: { code, message: '' } });
    const shown = () => [...document.querySelectorAll('.log .text')].map((text) => text.textContent);
    beforeEach(() => {
      sessionStorage.clear();
      store.signIn.submit('tech', 'Ada');
      socket.up();
      socket.confirm();
      show(<Room />);
    });

    it('takes a message back that was not sent: its row goes, its key comes along', async () => {
      write('hello');
      const key = wire().payload.client_id;
      refuse('muted');
      await vi.waitFor(() => expect(document.querySelector('.status.failed')).toBeTruthy());
      up();
      await vi.waitFor(() => expect([field().value, shown()]).toEqual(['hello', []]));
      const sent = socket.count('send_message');
      fireEvent.keyDown(field(), { key: 'Enter' });
      expect(socket.count('send_message')).toBe(sent + 1);
      expect(wire().payload).toEqual({ text: 'hello', client_id: key });
    });

    it('takes one back that waits behind another', async () => {
      write('on its way');
      write('waits');
      await vi.waitFor(() => expect(shown()).toEqual(['on its way', 'waits']));
      up();
      await vi.waitFor(() => expect([field().value, shown()]).toEqual(['waits', ['on its way']]));
      wire().ack({ ok: true, id: 1, timestamp: '2026-01-01T00:00:00.000Z' });
      expect(wire().payload.text).toBe('on its way');
    });

    it('never takes what was sent, or is on its way', async () => {
      write('hello');
      up();
      expect(field().value).toBe('');
      wire().ack({ ok: true, id: 1, timestamp: '2026-01-01T00:00:00.000Z' });
      up();
      socket.say('receive_message', message(1, 'hello', { user_id: 'me' }));
      up();
      expect([field().value, socket.count('send_message')]).toEqual(['', 1]);
    });

    it('leaves a text that is being written, and the key with a modifier', async () => {
      write('refused');
      refuse('muted');
      fireEvent.input(field(), { target: { value: 'a new one' } });
      up();
      expect(field().value).toBe('a new one');
      fireEvent.input(field(), { target: { value: '' } });
      up({ shiftKey: true });
      up({ isComposing: true });
      expect(field().value).toBe('');
    });

    it('begins another message where an earlier version of it had arrived, or all was deleted', async () => {
      write('first');
      const key = wire().payload.client_id;
      refuse('conflict');
      up();
      await vi.waitFor(() => expect(field().value).toBe('first'));
      fireEvent.keyDown(field(), { key: 'Enter' });
      const other = wire().payload.client_id;
      expect(other).not.toBe(key);
      refuse('muted');
      up();
      await vi.waitFor(() => expect(field().value).toBe('first'));
      fireEvent.input(field(), { target: { value: '' } });
      write('something else');
      expect(wire().payload.client_id).not.toBe(other);
    });
  });
});
