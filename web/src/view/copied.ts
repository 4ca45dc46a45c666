// What a selection over the log is as text: who said what, without initials, times and buttons.

import { useEffect, useRef } from 'preact/hooks';
import type { Store } from '../state/store';
import type { Row } from './rows';
import { authorOf } from './who';

interface Said {
  author: string;
  text: string;
}

/** The part of `element` that is selected. */
function within(element: Element, selected: Range): Range {
  const part = document.createRange();
  part.selectNodeContents(element);
  if (selected.compareBoundaryPoints(Range.START_TO_START, part) > 0)
    part.setStart(selected.startContainer, selected.startOffset);
  if (selected.compareBoundaryPoints(Range.END_TO_END, part) < 0)
    part.setEnd(selected.endContainer, selected.endOffset);
  return part;
}

interface Piece extends Said {
  /** The selection begins in the text, not in the name before it. */
  begins: boolean;
}

function pieceOf(row: HTMLElement, selected: Range, said: (key: string) => Said | null): Piece | null {
  const text = row.querySelector('.text');
  const known = said(row.dataset.key ?? '');
  if (!text || !known || !selected.intersectsNode(text)) return null;
  const part = within(text, selected).toString();
  if (part === '') return null;
  // The source, with its marks, where all of it is selected.
  const whole = part === text.textContent;
  const begins = text.contains(selected.startContainer);
  return { author: known.author, text: whole ? known.text : part, begins };
}

/**
 * A line for each message that `selection` touches, with its author; null where the browser's own copy is right: within
 * one message's text, or outside the messages. `said` knows messages by their key.
 */
export function copied(selection: Selection, said: (key: string) => Said | null): string | null {
  const ranges = Array.from({ length: selection.rangeCount }, (_, i) => selection.getRangeAt(i));
  const holder = ranges[0]?.commonAncestorContainer;
  const inside = holder instanceof Element ? holder : holder?.parentElement;
  if (ranges.length === 1 && inside?.closest('.text')) return null;
  const rows = [...document.querySelectorAll<HTMLElement>('.log .m')];
  const pieces = ranges.flatMap((selected) => rows.flatMap((row) => pieceOf(row, selected, said) ?? []));
  const [first, second] = pieces;
  if (!first) return null;
  // A triple click selects one text, up to the beginning of what follows it.
  if (!second && first.begins) return first.text;
  return pieces.map(({ author, text }) => `${author}: ${text}`).join('\n');
}

/** A selection over messages is copied as who said what. */
export function useCleanCopies(store: Store, list: readonly Row[]): void {
  const latest = useRef(list);
  latest.current = list;
  useEffect(() => {
    const copy = (event: ClipboardEvent) => {
      const selection = getSelection();
      if (!selection || !(event.target instanceof Element) || event.target.matches('input, textarea')) return;
      const text = copied(selection, (key) => {
        const row = latest.current.find((other) => other.kind === 'message' && other.key === key);
        return row?.kind === 'message' ? { author: authorOf(store, row.entry), text: row.entry.text } : null;
      });
      if (text === null) return;
      event.clipboardData?.setData('text/plain', text);
      event.preventDefault();
    };
    document.addEventListener('copy', copy);
    return () => document.removeEventListener('copy', copy);
  }, [store]);
}
