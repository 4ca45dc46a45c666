// Comings and goings, muted and folded: one line however many there were.

import { useState } from 'preact/hooks';
import { fullTime, list, t, time } from '../i18n';
import type { NoticeEntry } from '../log/timeline';
import { useStore } from './context';
import { isolated, whoIn } from './who';

const NAMED = 2;

const unique = (names: string[]) => [...new Set(names)];

function sentence(kind: 'joined' | 'left' | 'removed' | 'joinedLeft', names: string[]): string {
  const shown = names.slice(0, NAMED);
  const rest = names.length - shown.length;
  return t(kind, {
    n: names.length,
    names: list(rest > 0 ? [...shown, t('others', { n: rest })] : shown),
  });
}

/** Names as they are said, by who is who. */
type Naming = (entry: NoticeEntry, name?: string) => string;

/** One line for many comings and goings. */
export function summary(entries: readonly NoticeEntry[], naming: Naming): string[] {
  const named = (kind: NoticeEntry['kind']) =>
    unique(entries.flatMap((entry) => (entry.kind === kind ? naming(entry) : [])));
  const [joined, left, removed] = [named('joined'), named('left'), named('removed')];
  const both = joined.filter((name) => left.includes(name));
  const only = (names: string[]) => names.filter((name) => !both.includes(name));
  return [
    ...(only(joined).length ? [sentence('joined', only(joined))] : []),
    ...(only(left).length ? [sentence('left', only(left))] : []),
    ...(both.length ? [sentence('joinedLeft', both)] : []),
    ...(removed.length ? [sentence('removed', removed)] : []),
  ];
}

function said(entry: NoticeEntry, naming: Naming): string {
  if (entry.kind === 'other') return entry.text;
  if (entry.kind === 'renamed')
    return t('renamed', { before: naming(entry, entry.before), name: naming(entry) });
  return sentence(entry.kind, [naming(entry)]);
}

function One({ entry, naming }: { entry: NoticeEntry; naming: Naming }) {
  return (
    <span>
      {said(entry, naming)}{' '}
      <time dateTime={new Date(entry.at).toISOString()} title={fullTime(entry.at)}>
        {time(entry.at)}
      </time>
    </span>
  );
}

export function Notices({ entries }: { entries: readonly NoticeEntry[] }) {
  const [open, setOpen] = useState(false);
  const who = whoIn(useStore());
  const naming: Naming = ({ userId, username }, name = username) => isolated(name, who.tag(userId, name));
  const [first] = entries;
  if (!first) return null;
  if (entries.length === 1) return <One entry={first} naming={naming} />;
  return (
    <>
      {open ? (
        entries.map((entry) => <One key={entry.key} entry={entry} naming={naming} />)
      ) : (
        <span>{summary(entries, naming).join(' · ')}</span>
      )}
      <button type="button" class="link" aria-expanded={open} onClick={() => setOpen(!open)}>
        {t(open ? 'showLess' : 'showAll')}
      </button>
    </>
  );
}
