// What the sections of this page have in common: lists, and what is asked for again and again.

import { useEffect, useMemo } from 'preact/hooks';
import { List, type Page } from './list';

/** A list that is loaded now, and anew whenever `key` changes. */
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
