// A short word on what was just done: shown for a moment, and said once.

import { signal } from '@preact/signals';

const SHOWN_MS = 2500;

const text = signal('');
let timer: ReturnType<typeof setTimeout> | undefined;

export function flash(words: string): void {
  text.value = words;
  clearTimeout(timer);
  timer = setTimeout(() => {
    text.value = '';
  }, SHOWN_MS);
}

export function Flash() {
  return (
    <div class="flash" role="status">
      {text.value && <p>{text.value}</p>}
    </div>
  );
}
