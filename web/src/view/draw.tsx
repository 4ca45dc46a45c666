// The rows of the log as elements. A row that is made from the same values is the same element, and costs nothing to
// draw again.

import type { VNode } from 'preact';
import { day, fullTime, language, t } from '../i18n';
import { type MessageEntry, messageOf } from '../log/timeline';
import type { Editing } from '../state/changes';
import type { Store } from '../state/store';
import { Message } from './Message';
import { Notices } from './Notices';
import type { Row } from './rows';
import { today } from './today';
import type { Who } from './who';

/** Rows by key with what they were made from: the same row is the same node, and costs nothing to draw again. */
export type Cache = Map<string, { made: readonly unknown[]; node: VNode }>;

export interface RowContext {
  store: Store;
  me: string;
  who: Who;
  menu: string | null;
  setMenu: (key: string | null) => void;
  /** Key of the row that the mouse is on. */
  hovered: string | null;
  editing: Editing | null;
  pinned: readonly number[];
  moderates: boolean;
  /** Key of the row that the reader was led to. */
  marked: string | null;
}

/** The message that `entry` answers, if it is in the log. */
const answeredBy = ({ replyTo }: MessageEntry, { store }: RowContext) =>
  replyTo === null ? null : messageOf(store.room.timeline.peek(), replyTo);

function draw(row: Row, context: RowContext): VNode {
  const { store, me, who, menu, setMenu, hovered, editing, pinned, marked } = context;
  switch (row.kind) {
    case 'day':
      return (
        <li key={row.key} class="day">
          <h2 title={fullTime(row.at)}>{day(row.at)}</h2>
        </li>
      );
    case 'new':
      return (
        <li key={row.key} class="new" id="new">
          <h2>{t('newMessages')}</h2>
        </li>
      );
    case 'gap':
      return (
        <li key={row.key} class="gap">
          {row.entry.after === undefined ? (
            t('gap')
          ) : (
            <button type="button" class="older" onClick={() => store.room.fill(row.entry)}>
              {t('loadBetween')}
            </button>
          )}
        </li>
      );
    case 'notices':
      return (
        <li key={row.key} class="notice">
          <Notices entries={row.entries} />
        </li>
      );
    default:
      return (
        <Message
          key={row.key}
          {...{ entry: row.entry, head: row.head, item: row.item, me, store }}
          tag={who.tag(row.entry.userId, row.entry.sender)}
          menu={menu === row.key}
          onMenu={setMenu}
          hovered={hovered === row.key}
          editing={editing?.entry.key === row.key ? editing : null}
          pinned={row.entry.id !== null && pinned.includes(row.entry.id)}
          marked={marked === row.key}
          answered={answeredBy(row.entry, context)}
        />
      );
  }
}

/** What a row is drawn from; the same values, the same row. */
function ingredients(row: Row, context: RowContext): unknown[] {
  const { me, who, menu, hovered, editing, pinned, moderates, marked } = context;
  const common = [language.value, me];
  if (row.kind === 'notices') return [...common, ...row.entries];
  if (row.kind !== 'message') return [...common, today.value];
  const entry = row.item ? null : row.entry;
  const tag = who.tag(row.entry.userId, row.entry.sender);
  const edited = editing?.entry.key === row.key ? editing : null;
  const isPinned = row.entry.id !== null && pinned.includes(row.entry.id);
  const states = [menu, hovered, marked].map((key) => key === row.key);
  const answered = answeredBy(row.entry, context);
  return [
    ...[...common, entry, row.item, row.head, tag, ...states, edited, isPinned, answered],
    moderates && row.entry.own,
  ];
}

const same = (a: readonly unknown[], b: readonly unknown[]) =>
  a.length === b.length && a.every((x, i) => x === b[i]);

export function drawAll(
  list: readonly Row[],
  old: Cache,
  context: RowContext,
): { cache: Cache; nodes: VNode[] } {
  const cache: Cache = new Map();
  const nodes = list.map((row) => {
    const made = ingredients(row, context);
    const before = old.get(row.key);
    const node = before && same(before.made, made) ? before.node : draw(row, context);
    cache.set(row.key, { made, node });
    return node;
  });
  return { cache, nodes };
}
