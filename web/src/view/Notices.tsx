// Comings and goings, muted and folded: one line however many there were.

import { useState } from 'preact/hooks';
import { fullTime, list, t, time } from '../i18n';
import type { NoticeEntry } from '../state/timeline';

const NAMED = 2;

const unique = (names: string[]) => [...new Set(names)];

/** Keeps names of another direction from turning the sentence around. */
const isolate = (name: string) => `\u2068${name}\u2069`;

function sentence(kind: 'joined' | 'left' | 'joinedLeft', names: string[]): string {
  const shown = names.slice(0, NAMED).map(isolate);
  const rest = names.length - shown.length;
  return t(kind, { names: list(rest > 0 ? [...shown, t('others', { n: rest })] : shown) });
}

function summary(entries: readonly NoticeEntry[]): string[] {
  const joined = unique(entries.flatMap((entry) => (entry.kind === 'joined' ? entry.username : [])));
  const left = unique(entries.flatMap((entry) => (entry.kind === 'left' ? entry.username : [])));
  const both = joined.filter((name) => left.includes(name));
  const only = (names: string[]) => names.filter((name) => !both.includes(name));
  return [
    ...(only(joined).length ? [sentence('joined', only(joined))] : []),
    ...(only(left).length ? [sentence('left', only(left))] : []),
    ...(both.length ? [sentence('joinedLeft', both)] : []),
  ];
}

function One({ entry }: { entry: NoticeEntry }) {
  return (
    <span>
      {entry.kind === 'other' ? entry.text : sentence(entry.kind, [entry.username])}{' '}
      <time dateTime={new Date(entry.at).toISOString()} title={fullTime(entry.at)}>
        {time(entry.at)}
      </time>
    </span>
  );
}

export function Notices({ entries }: { entries: readonly NoticeEntry[] }) {
  const [open, setOpen] = useState(false);
  const [first] = entries;
  if (!first) return null;
  if (entries.length === 1) return <One entry={first} />;
  return (
    <>
      {open ? (
        entries.map((entry) => <One key={entry.key} entry={entry} />)
      ) : (
        <span>{summary(entries).join(' · ')}</span>
      )}
      <button type="button" class="link" aria-expanded={open} onClick={() => setOpen(!open)}>
        {t(open ? 'showLess' : 'showAll')}
      </button>
    </>
  );
}
