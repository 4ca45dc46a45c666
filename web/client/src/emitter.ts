// A typed event emitter: the browser's EventTarget has no types for its payloads and Node's is not in browsers.

export type Listener<T> = (payload: T) => void;

type Listeners = Map<Listener<never>, { once: boolean }>;

/** Reports an error that has no caller: as uncaught in a browser, on stderr elsewhere. */
function report(error: unknown): void {
  if ('reportError' in globalThis) reportError(error);
  else console.error(error);
}

export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Listeners>();

  /** Calls `listener` for each `event`; returns the function that removes it. */
  on<K extends keyof Events>(event: K, listener: Listener<Events[K]>): () => void {
    return this.#add(event, listener, false);
  }

  /** Calls `listener` for the next `event` only; returns the function that removes it. */
  once<K extends keyof Events>(event: K, listener: Listener<Events[K]>): () => void {
    return this.#add(event, listener, true);
  }

  /** Removes `listener`. */
  off<K extends keyof Events>(event: K, listener: Listener<Events[K]>): void {
    this.#listeners.get(event)?.delete(listener);
  }

  /** Calls the listeners of `event`. An error in one of them is reported and does not stop the others. */
  protected emit<K extends keyof Events>(event: K, payload: Events[K]): void {
    const listeners = this.#listeners.get(event);
    for (const [listener, entry] of [...(listeners ?? [])]) {
      // A listener that was called before may have removed this one.
      if (listeners?.get(listener) !== entry) continue;
      if (entry.once) listeners.delete(listener);
      try {
        (listener as Listener<Events[K]>)(payload);
      } catch (error) {
        report(error);
      }
    }
  }

  #add<K extends keyof Events>(event: K, listener: Listener<Events[K]>, once: boolean): () => void {
    const listeners: Listeners = this.#listeners.get(event) ?? new Map();
    this.#listeners.set(event, listeners);
    const entry = { once };
    listeners.set(listener, entry);
    return () => {
      if (listeners.get(listener) === entry) listeners.delete(listener);
    };
  }
}
