// The HTTP API for tests of the admin page: answers by method and path, and notes what was asked.

import { vi } from 'vitest';

type Answer = unknown | ((body: unknown) => unknown);

export interface Asked {
  call: string;
  token: string;
  body: unknown;
}

/** An error, as the API answers it. */
export class Refused {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly message = code,
  ) {}
}

const NOT_FOUND = new Refused(404, 'not_found', 'there is no such path');

export class FakeApi {
  readonly asked: Asked[] = [];
  /** By call, like `GET rooms` or `POST rooms/tech/messages`; without the query. */
  readonly answers: Record<string, Answer> = {};

  constructor() {
    vi.stubGlobal('fetch', (url: string, init: RequestInit) => this.#answer(url, init));
  }

  /** The bodies that a call was made with. */
  bodies(call: string): unknown[] {
    return this.asked.filter((asked) => asked.call === call).map((asked) => asked.body);
  }

  async #answer(url: string, init: RequestInit): Promise<Response> {
    const { pathname } = new URL(url, location.href);
    const call = `${init.method} ${pathname.replace(/^\/api\/v1\//, '')}`;
    const body = typeof init.body === 'string' ? JSON.parse(init.body) : undefined;
    const { authorization = '' } = init.headers as Record<string, string>;
    this.asked.push({ call, token: authorization.replace('Bearer ', ''), body });
    const given = call in this.answers ? this.answers[call] : NOT_FOUND;
    const answer = typeof given === 'function' ? given(body) : given;
    if (answer instanceof Error) throw answer;
    if (!(answer instanceof Refused)) return new Response(JSON.stringify(answer));
    const { status, code, message } = answer;
    return new Response(JSON.stringify({ error: { code, message } }), { status });
  }
}
