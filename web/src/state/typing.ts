// Tells the others that the reader is typing: again at most every three seconds, and no longer than five after
// the last key.

const REPEAT_MS = 3000;
const IDLE_MS = 5000;

export class TypingSignal {
  readonly #tell: (typing: boolean) => void;
  #toldAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(tell: (typing: boolean) => void) {
    this.#tell = tell;
  }

  /** The text being written has become `text`. */
  input(text: string): void {
    if (text.trim() === '') {
      this.stop();
      return;
    }
    const now = Date.now();
    if (now - this.#toldAt >= REPEAT_MS) {
      this.#toldAt = now;
      this.#tell(true);
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.stop(), IDLE_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    if (this.#toldAt === 0) return;
    this.#toldAt = 0;
    this.#tell(false);
  }
}
