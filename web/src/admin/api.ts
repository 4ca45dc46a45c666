// Calls of the HTTP API. A failure is always an ApiFailure with a sentence for people.

/** Longest time that a call may take. */
const TIMEOUT_MS = 15_000;

export class ApiFailure extends Error {
  constructor(
    /** Of HTTP; 0 if the server did not answer. */
    readonly status: number,
    /** As the API names it, for programs. */
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'ApiFailure';
  }
}

export type Method = 'GET' | 'POST' | 'DELETE';

/** Parameters of a query; those that are undefined are left out. */
export type Query = Record<string, string | number | undefined>;

export function pathWith(path: string, query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return given.length === 0 ? path : `${path}?${search}`;
}

/** A path with a name in it that may have any characters: `at('rooms', 'a b')` is `rooms/a%20b`. */
export const at = (...parts: string[]) => parts.map(encodeURIComponent).join('/');

function failureOf(status: number, body: unknown): ApiFailure {
  const error = (body as { error?: { code?: unknown; message?: unknown } } | null)?.error;
  if (typeof error?.code === 'string' && typeof error.message === 'string') {
    return new ApiFailure(status, error.code, error.message);
  }
  return new ApiFailure(status, 'unreadable', `The server answered with status ${status}.`);
}

export class Api {
  constructor(
    /** Where the API is, with a slash at the end. */
    readonly root: string,
    readonly token: string,
    /** The token is not accepted any more. */
    readonly onUnauthorized: (failure: ApiFailure) => void = () => {},
  ) {}

  get<T>(path: string, query?: Query): Promise<T> {
    return this.#call('GET', pathWith(path, query));
  }

  post<T>(path: string, body: unknown = {}): Promise<T> {
    return this.#call('POST', path, JSON.stringify(body));
  }

  delete<T>(path: string): Promise<T> {
    return this.#call('DELETE', path);
  }

  async #call<T>(method: Method, path: string, body?: string): Promise<T> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.token}` };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const init: RequestInit = {
      method,
      headers,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      cache: 'no-store',
      credentials: 'omit',
    };
    if (body !== undefined) init.body = body;
    let status: number;
    let text: string;
    try {
      const answer = await fetch(this.root + path, init);
      status = answer.status;
      text = await answer.text();
    } catch {
      throw new ApiFailure(
        0,
        'unreachable',
        'The server does not answer. Is it running, and are you online?',
      );
    }
    const parsed = parse(text);
    if (status >= 200 && status < 300) {
      if (parsed === undefined && text !== '') {
        throw new ApiFailure(status, 'unreadable', 'The answer is no JSON: is there a proxy in between?');
      }
      return (parsed ?? {}) as T;
    }
    const failure = failureOf(status, parsed);
    if (status === 401) this.onUnauthorized(failure);
    throw failure;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What to say of any failure. */
export const messageOf = (error: unknown) =>
  error instanceof Error ? error.message : 'Something went wrong in this page.';
