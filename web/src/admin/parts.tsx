// What all sections are made of: headings, tables, the states of a list, fields, times.

import type { ComponentChildren } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { sayFailure } from './flash';
import { fullTime, when } from './format';
import { useKeptFocus } from './hooks';
import type { List } from './list';
import { hrefOf, type Section } from './router';

/** The heading of a section. The focus goes there when the section is opened. */
export function Heading({ children, note }: { children: ComponentChildren; note?: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${heading.current?.textContent ?? ''} · Hubbub admin`;
    heading.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, []);
  return (
    <header class="heading">
      <h1 ref={heading} tabIndex={-1}>
        {children}
      </h1>
      {note && <p class="quiet">{note}</p>}
    </header>
  );
}

interface TableProps {
  caption: string;
  columns: readonly string[];
  children: ComponentChildren;
}

/**
 * A table that scrolls sideways where it does not fit. On a phone each row is a card; there every cell needs the name of
 * its column, and roles, because browsers forget what a table is that is not laid out as one.
 */
export function Table({ caption, columns, children }: TableProps) {
  const table = useRef<HTMLTableElement>(null);
  useLayoutEffect(() => {
    if (table.current) label(table.current, columns);
  });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: keys have to scroll it, too
    <section class="table" tabIndex={0} aria-label={caption}>
      <table ref={table}>
        <caption class="vh">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}

function label(table: HTMLTableElement, columns: readonly string[]): void {
  table.setAttribute('role', 'table');
  for (const group of table.querySelectorAll('thead, tbody')) group.setAttribute('role', 'rowgroup');
  for (const row of table.rows) {
    row.setAttribute('role', 'row');
    for (const [index, cell] of [...row.cells].entries()) {
      cell.dataset.label = columns[index] ?? '';
      const heads = cell.scope === 'col' ? 'columnheader' : 'rowheader';
      cell.setAttribute('role', cell.tagName === 'TH' ? heads : 'cell');
    }
  }
}

interface ListedProps<T> {
  list: List<T>;
  caption: string;
  columns: readonly string[];
  /** If there is nothing. */
  empty: string;
  /** If this server has no such thing. */
  absent?: string;
  /** Which of those that are loaded are shown. */
  filter?: (item: T) => boolean;
  row: (item: T) => ComponentChildren;
}

/** A list as a table, or the state that it is in. */
export function Listed<T>({ list, caption, columns, empty, absent, filter, row }: ListedProps<T>) {
  const around = useKeptFocus<HTMLDivElement>();
  const state = list.state.value;
  const items = list.items.value;
  const shown = filter ? items.filter(filter) : items;
  if (state === 'loading') return <Skeleton />;
  if (state === 'forbidden') return <Forbidden />;
  if (state === 'absent') return <p class="state">{absent ?? 'This server does not have this.'}</p>;
  return (
    <div ref={around}>
      {state === 'failed' && <Failed message={list.error.value} retry={() => list.load()} />}
      {state === 'ready' && shown.length === 0 && (
        <p class="state">{items.length === 0 ? empty : 'Nothing that is loaded matches.'}</p>
      )}
      {shown.length > 0 && (
        <Table caption={caption} columns={columns}>
          {shown.map(row)}
        </Table>
      )}
      <footer class="more-row">
        {list.more.value && (
          <button type="button" aria-disabled={list.busy.value} onClick={() => list.next()}>
            {list.busy.value ? 'Loading…' : 'Show more'}
          </button>
        )}
        {items.length > 0 && (
          <p class="quiet" role="status">
            {shown.length === items.length
              ? `${items.length} shown`
              : `${shown.length} of ${items.length} loaded`}
            {list.more.value ? ', there are more' : ''}
          </p>
        )}
      </footer>
    </div>
  );
}

export function Skeleton() {
  return (
    <div class="skeletons" role="status">
      <span class="vh">Loading…</span>
      <i />
      <i />
      <i />
    </div>
  );
}

export function Forbidden() {
  return (
    <p class="state">
      Only an admin may see this. You are signed in as a moderator: sign in with the token of an admin.
    </p>
  );
}

export function Failed({ message, retry }: { message: string; retry: () => void }) {
  return (
    <div class="state failed" role="alert">
      <p>{message}</p>
      <button type="button" onClick={retry}>
        Try again
      </button>
    </div>
  );
}

export function Time({ at }: { at: string }) {
  return (
    <time dateTime={at} title={fullTime(at)}>
      {when(at)}
    </time>
  );
}

/** A user: the name, if it is known, and the id. */
export function Who({ name, id }: { name?: string | undefined; id?: string | undefined }) {
  return (
    <span class="who">
      {name && <bdi>{name}</bdi>}
      {id && (
        <code class="id" title={id}>
          {id}
        </code>
      )}
    </span>
  );
}

interface FieldProps {
  label: string;
  hint?: string;
  children: (ids: { id: string; 'aria-describedby'?: string }) => ComponentChildren;
}

export function Field({ label, hint, children }: FieldProps) {
  const id = useId();
  const described = hint ? { 'aria-describedby': `${id}-hint` } : {};
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, ...described })}
      {hint && (
        <p class="quiet" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

/** A text with a button that copies it. */
export function Copyable({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
    } catch {
      sayFailure(new Error('The browser does not let this page copy: select the text and copy it yourself.'));
    }
  };
  return (
    <div class="copyable">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: keys have to scroll it, too */}
      <pre tabIndex={0}>{text}</pre>
      <button type="button" aria-label={`Copy ${label}`} onClick={copy}>
        {copied ? 'Copied' : 'Copy'}
      </button>
    </div>
  );
}

export function Link({ to, item, children }: { to: Section; item?: string; children: ComponentChildren }) {
  return <a href={hrefOf(to, item)}>{children}</a>;
}
