// The messages of the room: follows the end while the reader is there, holds still while they read further up.

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { t } from '../i18n';
import { Announcer } from '../state/announcer';
import { isIgnored } from '../state/ignored';
import { prefs } from '../state/prefs';
import type { Store } from '../state/store';
import { logWindow } from '../state/window';
import { openAbout, touch, useStore } from './context';
import { useCleanCopies } from './copied';
import { type Cache, drawAll } from './draw';
import { Empty } from './Empty';
import { Flash } from './Flash';
import { Icon } from './icons';
import { target } from './jump';
import { logKeys } from './log-keys';
import { longPress } from './press';
import { rows } from './rows';
import { firstBelow, positionIn } from './scrolling';
import { authorOf, whoIn } from './who';

/** Keeps the scroll position right: at the end, or on the row that was at the top. */
function useScroll(store: Store, changed: readonly unknown[]) {
  const log = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  const stick = useRef(true);
  const anchor = useRef<{ element: Element; top: number } | null>(null);

  const remember = (element: HTMLDivElement) => {
    const top = element.getBoundingClientRect().top;
    // Headings stick to the edge: only messages and notices move with the text.
    const rows = element.querySelectorAll('.m, .notice');
    const found = rows[firstBelow(top, rows.length, (at) => rows[at]?.getBoundingClientRect().bottom ?? 0)];
    anchor.current = found ? { element: found, top: found.getBoundingClientRect().top } : null;
  };

  const toEnd = () => {
    logWindow.reset();
    stick.current = true;
    setAtEnd(true);
    if (log.current) log.current.scrollTop = log.current.scrollHeight;
  };

  /** Brings a row into the middle of the view; false while it is not drawn. */
  const toRow = (key: string) => {
    const row = log.current?.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
    if (!row) return false;
    stick.current = false;
    setAtEnd(false);
    row.scrollIntoView({ block: 'center' });
    row.focus({ preventScroll: true });
    return true;
  };

  const onScroll = () => {
    const element = log.current;
    if (!element) return;
    const { atEnd, nearEnd, nearStart } = positionIn(element);
    const { entries } = store.room.timeline.peek();
    remember(element);
    const more = nearEnd && logWindow.down(entries);
    stick.current = atEnd && !more;
    setAtEnd(stick.current);
    if (stick.current) {
      if (!element.contains(document.activeElement) || document.activeElement === element) logWindow.reset();
      return;
    }
    logWindow.hold(entries);
    if (!more && nearStart) logWindow.older(store);
  };

  useLayoutEffect(() => {
    const element = log.current;
    if (!element) return;
    store.room.held = logWindow.from.peek();
    if (stick.current) {
      const { entries } = store.room.timeline.peek();
      if (logWindow.range(entries)[1] < entries.length) logWindow.reset();
      element.scrollTop = element.scrollHeight;
    } else if (anchor.current?.element.isConnected) {
      const { element: row, top } = anchor.current;
      const moved = row.getBoundingClientRect().top - top;
      if (Math.abs(moved) >= 1) element.scrollTop += moved;
    }
    const { more } = store.room.timeline.peek();
    // A log too short to be scrolled gets its older page unasked.
    if (more && element.scrollHeight <= element.clientHeight) logWindow.older(store);
  }, changed);

  useEffect(() => {
    const element = log.current;
    if (!element) return;
    // The composer grows, the phone's keyboard opens: the end stays in view.
    const observer = new ResizeObserver(() => {
      if (stick.current) element.scrollTop = element.scrollHeight;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  return { log, atEnd, toEnd, onScroll, toRow };
}

/** Tells the store whether the reader sees the end of the log. */
function useReading(store: Store, atEnd: boolean): void {
  useEffect(() => {
    const tell = () => store.room.unread.reading(atEnd && !document.hidden && document.hasFocus());
    tell();
    addEventListener('focus', tell);
    addEventListener('blur', tell);
    document.addEventListener('visibilitychange', tell);
    return () => {
      removeEventListener('focus', tell);
      removeEventListener('blur', tell);
      document.removeEventListener('visibilitychange', tell);
    };
  }, [store, atEnd]);
}

/** Gives the focus back where what had it is gone: a menu, a button that did its work, a row that is out of view. */
function useFocusKept(log: { current: HTMLDivElement | null }) {
  const held = useRef<{ element: HTMLElement; key: string | undefined } | null>(null);
  useLayoutEffect(() => {
    const lost = held.current;
    const { activeElement } = document;
    if (!lost || lost.element.isConnected || (activeElement && activeElement !== document.body)) return;
    const row = lost.key && log.current?.querySelector<HTMLElement>(`[data-key="${CSS.escape(lost.key)}"]`);
    (row || log.current)?.focus({ preventScroll: true });
  });
  return {
    onFocusIn: ({ target }: FocusEvent) => {
      if (target instanceof HTMLElement)
        held.current = { element: target, key: target.closest<HTMLElement>('.m')?.dataset.key };
    },
    onFocusOut: ({ target }: FocusEvent) => {
      // Some browsers say so too when an element is removed; then it is not there any more a moment later.
      queueMicrotask(() => {
        if (held.current?.element !== target || document.activeElement === target) return;
        if (held.current.element.isConnected) held.current = null;
      });
    },
  };
}

/** What screen readers are to say of the messages that come in. */
function useAnnouncer(store: Store) {
  const [announcer] = useState(() => new Announcer());
  const room = store.room.name.value;
  useEffect(() => {
    announcer.clear();
    return store.room.onMessage((message, from) => {
      if (prefs.announce.value && from === room) announcer.add(authorOf(store, message), message.text);
    });
  }, [store, announcer, room]);
  return announcer.text;
}

function Top({ store }: { store: Store }) {
  const { entries, more, loaded } = store.room.timeline.value;
  const [start] = logWindow.range(entries);
  const room = `#${store.room.name.value}`;
  if (!loaded) return <Skeleton />;
  if (start > 0 || more) {
    return (
      <button
        type="button"
        class="older"
        // Not `disabled`, which would take the focus away.
        aria-disabled={store.room.loadingOlder.value}
        onClick={() => logWindow.older(store)}
      >
        {t(store.room.loadingOlder.value ? 'loadingOlder' : 'loadOlder')}
      </button>
    );
  }
  const empty =
    !entries.some((entry) => entry.type === 'message') && store.room.timeline.value.pending.length === 0;
  return (
    <div class="start">
      <strong>{t('startOf', { room })}</strong>
      {empty && <Empty />}
    </div>
  );
}

function Skeleton() {
  return (
    <div class="skeleton" aria-hidden="true">
      {[70, 45, 85, 60].map((width) => (
        <div key={width}>
          <i />
          <b style={{ width: `${width}%` }} />
        </div>
      ))}
    </div>
  );
}

export function Log() {
  const store = useStore();
  const [menu, setMenu] = useState<string | null>(null);
  const [hovered, hover] = useState<string | null>(null);
  const [marked, mark] = useState<string | null>(null);
  const cache = useRef<Cache>(new Map());
  const { entries, pending } = store.room.timeline.value;
  const newFrom = store.room.unread.newFrom.value;
  const joined = store.room.joined.value;
  const name = joined?.username ?? store.signIn.name.value;
  const [start, end] = logWindow.range(entries);
  const list = rows({
    entries: entries.slice(start, end),
    pending: end === entries.length ? pending : [],
    newFrom,
    ignored: isIgnored,
    me: { name, userId: joined?.userId ?? null },
  });
  const who = whoIn(store);
  const editing = store.changes.editing.value;
  const drawn = drawAll(list, cache.current, {
    ...{ store, me: name, who, menu, setMenu, hovered, editing, marked },
    pinned: store.room.run.value?.pinned ?? [],
    moderates: store.changes.moderates,
  });
  cache.current = drawn.cache;
  const latest = useRef(list);
  latest.current = list;
  const { log, atEnd, toEnd, onScroll, toRow } = useScroll(store, [
    ...[entries, pending, start, end, newFrom],
    // Not with every drawing: the mouse draws a row anew while the log is being scrolled.
    editing,
  ]);
  const wanted = target.value;
  useLayoutEffect(() => {
    if (wanted === null || !toRow(wanted)) return;
    target.value = null;
    mark(wanted);
  }, [wanted, list]);
  useReading(store, atEnd);
  useCleanCopies(store, list);
  const kept = useFocusKept(log);
  const spoken = useAnnouncer(store);
  const sent = store.composer.sentCount.value;
  useLayoutEffect(toEnd, [sent, store.room.name.value]);
  const passed = (event: FocusEvent) => {
    kept.onFocusIn(event);
    const { target } = event;
    const { entries } = store.room.timeline.peek();
    const key = target instanceof Element && target.closest<HTMLElement>('.m')?.dataset.key;
    const entry = key && entries.find((other) => other.key === key);
    if (entry && entry.type === 'message') store.room.unread.passed(entry, entries);
  };
  const closeMenu = (event: FocusEvent) => {
    kept.onFocusOut(event);
    if (menu && !(event.relatedTarget instanceof Element && event.relatedTarget.closest('.menu, .more')))
      setMenu(null);
  };
  const [press] = useState(() =>
    longPress((target) => {
      const key = target.closest<HTMLElement>('.m')?.dataset.key;
      const row = latest.current.find((other) => other.kind === 'message' && other.key === key);
      if (row?.kind !== 'message' || row.entry.deleted) return;
      const { entry, item } = row;
      openAbout('message', { entry, item, tag: whoIn(store).tag(entry.userId, entry.sender) });
    }),
  );
  return (
    <div class="log-frame">
      <div
        class="log"
        role="log"
        aria-live="off"
        aria-label={t('messages', { room: `#${store.room.name.value}` })}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
        tabIndex={0}
        ref={log}
        id="log"
        onScroll={onScroll}
        onKeyDown={(event) => logKeys(event, { store, setMenu })}
        onPointerOver={({ target, pointerType }) => {
          if (pointerType !== 'mouse' || !(target instanceof Element)) return;
          hover(target.closest<HTMLElement>('.m')?.dataset.key ?? null);
        }}
        onPointerLeave={() => hover(null)}
        {...press}
        onFocusIn={passed}
        onFocusOut={closeMenu}
      >
        <Top store={store} />
        <ol class={touch.value ? 'touch' : ''}>{drawn.nodes}</ol>
      </div>
      <Flash />
      {!atEnd && <Pill store={store} toEnd={toEnd} />}
      <div class="vh" aria-live="polite">
        {spoken}
      </div>
    </div>
  );
}

function Pill({ store, toEnd }: { store: Store; toEnd: () => void }) {
  const { count } = store.room.unread.here.value;
  return (
    <button type="button" class="pill" id="latest" onClick={toEnd}>
      <span aria-live="polite">{count > 0 ? t('newBelow', { n: count }) : t('jumpLatest')}</span>
      <Icon name="down" />
    </button>
  );
}
