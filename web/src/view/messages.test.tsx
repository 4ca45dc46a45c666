// What is offered and said about messages, notices, people and names.

import { cleanup, fireEvent, screen } from '@testing-library/preact';
import { afterEach, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../client/src/index.js';
import { message } from '../../tests/fake-socket';
import { pageInRoom, show } from '../../tests/page';
import { EMPTY, type NoticeEntry, toMessage, toNotice } from '../log/timeline';
import { actions } from './actions';
import { lengthHint } from './length';
import { Message } from './Message';
import { summary } from './Notices';
import { People } from './People';
import { nameProblem, refusal } from './SignIn';

afterEach(cleanup);

describe('the menu of a message', () => {
  const { socket, store } = pageInRoom();
  const entry = (text: string, more = {}) =>
    toMessage(EMPTY, message(1, text, more), { name: 'Ada', userId: 'me' });
  const offered = (text: string, more = {}, state: 'failed' | 'sent' | null = null) => {
    const item = state && { clientId: 'k', room: 'tech', text, createdAt: 0, state };
    return actions({ entry: entry(text, more), item, tag: '#0002' }, store).map(({ label }) => label);
  };

  it('mentions others by name and tag, but not the reader', () => {
    expect(offered('hi')).toEqual(['Copy text', 'Mention Bob #0002', 'Ignore Bob #0002']);
    expect(offered('hi', { user_id: 'me' })).toEqual(['Copy text']);
  });

  it('edits and deletes own ones that the server has, where the server knows how', () => {
    const own = { user_id: 'me' };
    expect(offered('hi', own)).not.toContain('Edit');
    socket.say('session', { token: 't1', user_id: 'me', limits: {}, server: {}, role: 'member' });
    expect(offered('hi', own)).toEqual(['Copy text', 'Copy link', 'Edit', 'Delete']);
    expect(offered('hi', own, 'sent')).toEqual(['Copy text']);
    expect(offered('hi')).not.toContain('Edit');
    expect(offered('hi', { ...own, id: undefined })).not.toContain('Edit');
  });

  it('opens its links, four at most', () => {
    const links = [1, 2, 3, 4, 5].map((n) => `https://example.org/${n}`);
    const opened = offered(links.join(' ')).filter((label) => label.includes('example.org'));
    expect(opened.length).toBe(4);
  });

  it('sends a failed one again or gives it up, and only a failed one', () => {
    expect(offered('hi', { user_id: 'me' }, 'failed').slice(1)).toEqual(['Retry', 'Discard']);
    expect(offered('hi', { user_id: 'me' }, 'sent').slice(1)).toEqual([]);
  });
});

describe('a message of a program', () => {
  it('says that it is one, and no other does', () => {
    const { store } = pageInRoom();
    const shown = (more = {}) => {
      const entry = toMessage(EMPTY, message(1, 'hi', more), { name: 'Ada', userId: 'me' });
      const props = {
        entry,
        head: true,
        item: null,
        me: 'Ada',
        tag: '',
        menu: false,
        onMenu: () => {},
        store,
        hovered: false,
        editing: null,
        pinned: false,
        marked: false,
        answered: null,
      };
      show(store, <Message {...props} />);
      const tags = screen.queryAllByText('bot').length;
      cleanup();
      return tags;
    };
    expect(shown({ bot: true })).toBe(1);
    expect(shown()).toBe(0);
  });
});

describe('comings and goings in one line', () => {
  const notice = (kind: 'joined' | 'left' | 'removed', username: string): NoticeEntry =>
    toNotice(EMPTY, { kind, username, user_id: username, text: '', timestamp: '' });
  const line = (...entries: NoticeEntry[]) => summary(entries, ({ username }) => username);

  it('name each person once, whatever they did how often', () => {
    expect(line(notice('joined', 'Ada'), notice('joined', 'Ada'))).toEqual(['Ada joined']);
    expect(line(notice('joined', 'Ada'), notice('left', 'Bob'))).toEqual(['Ada joined', 'Bob left']);
    expect(line(notice('joined', 'Ada'), notice('left', 'Ada'))).toEqual(['Ada came and went']);
    expect(line(notice('joined', 'Ada'), notice('removed', 'Bob'))).toEqual([
      'Ada joined',
      'Bob was removed',
    ]);
  });

  it('name two, and say how many others there are', () => {
    const names = ['A', 'B', 'C', 'D'];
    expect(line(...names.map((name) => notice('joined', name)))).toEqual(['A, B, and 2 others joined']);
    expect(line(...names.slice(0, 3).map((name) => notice('left', name)))).toEqual([
      'A, B, and 1 other left',
    ]);
  });
});

describe('the list of people', () => {
  const people = (count: number) => {
    const { socket, store } = pageInRoom();
    const users = Array.from({ length: count }, (_, n) => ({ user_id: `u${n}`, username: `User ${n}` }));
    socket.confirm({ users: [...users, { user_id: 'me', username: 'Zoe' }] });
    show(store, <People />);
    return [...document.querySelectorAll('.people-list li .label')].map((name) => name.textContent);
  };

  it('has the reader first and the others in the order of the language', () => {
    expect(people(11)).toEqual(['Zoe', ...Array.from({ length: 11 }, (_, n) => `User ${n}`)]);
    expect(screen.queryByRole('searchbox')).toBeNull();
  });

  it('can be filtered from twenty on, without case', async () => {
    people(19);
    fireEvent.input(screen.getByRole('searchbox'), { target: { value: ' uSER 7' } });
    expect(await screen.findAllByRole('listitem')).toHaveLength(1);
    fireEvent.input(screen.getByRole('searchbox'), { target: { value: 'nobody' } });
    expect(await screen.findByText('Nobody by that name.')).toBeTruthy();
  });

  it('shows two hundred, and says how many more there are', () => {
    expect(people(250)).toHaveLength(200);
    expect(screen.getByText('and 51 more')).toBeTruthy();
  });

  it('says so where the reader is alone', () => {
    people(0);
    expect(screen.getByText('Nobody else is here.')).toBeTruthy();
  });
});

describe('a name', () => {
  it('is checked before the server is asked: graphemes, without the spaces around them', () => {
    expect([nameProblem('  ', 32), nameProblem(' Ada ', 3), nameProblem('👩‍👩‍👧'.repeat(3), 3)]).toEqual([
      'Please enter a name.',
      '',
      '',
    ]);
    expect(nameProblem('Adam', 3)).toBe('That name is too long: 3 characters at most.');
    expect(nameProblem('x'.repeat(500), 0)).toBe('');
  });

  it.each<[ErrorCode | undefined, RegExp]>([
    ['invalid_username', /cannot be used/],
    ['username_taken', /has that name already/],
    ['unknown_room', /does not exist/],
    ['busy', /the server’s words/],
    [undefined, /the server’s words/],
  ])('that is refused as %s is explained', (code, text) => {
    const error = { message: 'the server’s words', ...(code ? { code } : {}) };
    expect(refusal(error, 'tech')).toMatch(text);
    expect(refusal(null, 'tech')).toBe('');
  });
});

it('the hint about the length says what is left or too much, in the unit that is scarce', () => {
  expect(lengthHint(null)).toBe('');
  expect(lengthHint({ n: 5, unit: 'chars' })).toBe('5 left');
  expect(lengthHint({ n: 0, unit: 'bytes' })).toBe('0 bytes left');
  const over = [lengthHint({ n: -3, unit: 'chars' }), lengthHint({ n: -3, unit: 'bytes' })];
  for (const text of over) expect(text).toContain('3');
  expect(over[0]).not.toBe(over[1]);
});
