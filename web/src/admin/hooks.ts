// What the sections of this page have in common: lists, and what is asked for again and again.

import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { List, type Page } from './list';

/** A list that is loaded now, and again whenever `key` changes. */
export function useList<T>(fetchPage: (last: T | null) => Promise<Page<T>>, key: unknown = null): List<T> {
  const list = useMemo(() => new List(fetchPage), [key]);
  useEffect(() => {
    void list.load();
    return () => list.close();
  }, [list]);
  return list;
}

/** Calls `work` every so often while the page is visible, and when it becomes visible again. */
export function usePoll(work: () => Promise<unknown> | unknown, everyMs: number, key: unknown = null): void {
  useEffect(() => {
    let running = false;
    const run = async () => {
      if (running || document.hidden) return;
      running = true;
      try {
        await work();
      } finally {
        running = false;
      }
    };
    const timer = setInterval(run, everyMs);
    document.addEventListener('visibilitychange', run);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', run);
    };
  }, [key]);
}

/** If what has the focus goes away with what is drawn now, the focus goes to the page's heading, and not to nowhere. */
export function useKeptFocus<T extends HTMLElement>(): RefObject<T | null> {
  const around = useRef<T>(null);
  const focused = document.activeElement;
  const inside = around.current?.contains(focused) ?? false;
  useLayoutEffect(() => {
    if (inside && !focused?.isConnected) document.querySelector<HTMLElement>('h1')?.focus();
  });
  return around;
}
