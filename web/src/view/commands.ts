// What a message that begins with a slash does.

import { type Key, t } from '../i18n';
import type { Store } from '../state/store';
import { candidates } from './candidates';
import { dialog, openAbout } from './context';
import { moderate, type Sanctioned } from './moderation';
import { nameProblem } from './SignIn';

/** What came of it: a text to send, nothing more to do, or a problem to show. */
export type Outcome = { send: string } | { problem: string } | null;

interface Command {
  name: string;
  /** What is written after the name; empty if nothing is. */
  argument: Key | '';
  help: Key;
  moderators?: boolean;
  run: (store: Store, argument: string) => Outcome;
}

const SHRUG = '¯\\_(ツ)_/¯';

function mute(store: Store, name: string): Outcome {
  const own = store.room.joined.value?.userId;
  const others = (store.room.users.value ?? []).filter((user) => user.user_id !== own);
  const [user] = candidates(others, name.replace(/^@/, '').trim());
  if (!user) return { problem: t('nobodyFound') };
  const about: Sanctioned = { kind: 'mute', userId: user.user_id, name: user.username };
  openAbout('sanction', about);
  return null;
}

export const COMMANDS: readonly Command[] = [
  {
    name: 'me',
    argument: 'argText',
    help: 'commandMe',
    run: (_, text) => (text ? { send: `*${text}*` } : { problem: t('commandEmpty') }),
  },
  {
    name: 'nick',
    argument: 'argName',
    help: 'commandNick',
    run: (store, name) => {
      const limits = store.connection.session.value?.limits;
      const problem = nameProblem(name, limits?.username_max_chars ?? 0);
      if (problem) return { problem };
      store.signIn.rename(name);
      return null;
    },
  },
  {
    name: 'topic',
    argument: 'argText',
    help: 'commandTopic',
    moderators: true,
    run: (store, text) => {
      moderate(store, { action: 'topic', text });
      return null;
    },
  },
  { name: 'mute', argument: 'argName', help: 'commandMute', moderators: true, run: mute },
  {
    name: 'shrug',
    argument: 'argText',
    help: 'commandShrug',
    run: (_, text) => ({ send: text ? `${text} ${SHRUG}` : SHRUG }),
  },
  {
    name: 'help',
    argument: '',
    help: 'commandHelp',
    run: () => {
      dialog.value = 'help';
      return null;
    },
  },
];

/** The commands that the reader may use. */
export const commandsOf = (store: Store) =>
  COMMANDS.filter(({ moderators }) => !moderators || store.changes.moderates);

const COMMAND = /^\/([a-z]+)(?:\s+([\s\S]*))?$/i;

/** What becomes of a text that is to be sent: most are messages, and so is what begins with two slashes. */
export function outcomeOf(store: Store, text: string): Outcome {
  if (text.startsWith('//')) return { send: text.slice(1) };
  const [, name, argument = ''] = COMMAND.exec(text) ?? [];
  if (name === undefined) return { send: text };
  const command = commandsOf(store).find((other) => other.name === name.toLowerCase());
  if (!command) return { problem: t('commandUnknown', { command: `/${name}`, text: `//${name}` }) };
  return command.run(store, argument.trim());
}
