// Webhooks: what the server sends to other services, and the addresses at which those post messages.

import { useState } from 'preact/hooks';
import { at } from './api';
import { Confirm, Dialog } from './Dialog';
import { attempt, say, sayFailure } from './flash';
import { number } from './format';
import { useList, usePoll } from './hooks';
import { IncomingHooks } from './IncomingHooks';
import { Copyable, Field, Heading, Listed, Time } from './parts';
import { api } from './session';
import type { Webhook } from './types';

const EVERY_MS = 10_000;
const PAGE = 50;
const EVENTS = {
  message: 'New messages',
  message_changed: 'Edits and deletions',
  system_message: 'Joins, leaves and new names',
} as const;
type EventName = keyof typeof EVENTS;

/** What the receiver of a webhook said to a test. */
interface TestAnswer {
  delivered: boolean;
  status?: number;
  error?: string;
}

const STATES = {
  active: ['Active', 'badge'],
  retrying: ['Retrying', 'badge warn'],
  paused: ['Paused', 'badge warn'],
} as const;

/** The rooms of a comma-separated list; none means all. */
export const roomsIn = (text: string) =>
  text
    .split(',')
    .map((room) => room.trim().replace(/^#/, ''))
    .filter((room) => room !== '');

export function Webhooks() {
  const [deleting, setDeleting] = useState<Webhook | null>(null);
  const [adding, setAdding] = useState(false);
  const [secret, setSecret] = useState('');
  const list = useList<Webhook>(async (last) => {
    const query = { after: last?.id, limit: PAGE };
    const page = await api().get<{ webhooks: Webhook[]; more: boolean }>('webhooks', query);
    return { items: page.webhooks, more: page.more };
  });
  usePoll(
    () => (list.state.peek() === 'ready' && list.items.peek().length <= PAGE ? list.load() : undefined),
    EVERY_MS,
  );
  const resume = async (hook: Webhook) => {
    const path = `${at('webhooks', hook.id)}/resume`;
    if (await attempt(() => api().post(path), 'The webhook goes on.')) await list.load();
  };
  const test = async (hook: Webhook) => {
    try {
      const answer = await api().post<TestAnswer>(`${at('webhooks', hook.id)}/test`);
      if (answer.delivered) say(`The receiver took the test: it answered ${answer.status}.`);
      else sayFailure(new Error(answer.error ?? `The receiver answered ${answer.status}.`));
    } catch (error) {
      sayFailure(error);
    }
  };
  const remove = async (hook: Webhook) => {
    setDeleting(null);
    if (await attempt(() => api().delete(at('webhooks', hook.id)), 'The webhook is deleted.'))
      await list.load();
  };
  return (
    <>
      <Heading note="The server sends what happens in rooms to other services, signed with a secret of each webhook.">
        Webhooks
      </Heading>
      {list.state.value === 'ready' && (
        <div class="filters">
          <button type="button" onClick={() => setAdding(true)}>
            Add a webhook
          </button>
        </div>
      )}
      <Listed
        list={list}
        caption="Webhooks"
        columns={['Address', 'Rooms', 'Events', 'State', 'Delivered', 'Since', 'Actions']}
        empty="There are no webhooks yet."
        absent="This server has no webhooks."
        row={(hook) => (
          <tr key={hook.id}>
            <th scope="row" class="long">
              <code>{hook.url}</code>
            </th>
            <td>{hook.rooms?.map((room) => `#${room}`).join(', ') ?? 'All'}</td>
            <td>{hook.events.map((event) => EVENTS[event as EventName] ?? event).join(', ')}</td>
            <td class="long">
              <State hook={hook} />
            </td>
            <td class="figure">{number(hook.delivered)}</td>
            <td>
              <Time at={hook.created_at} />
            </td>
            <td class="actions">
              <button
                type="button"
                class="small"
                aria-label={`Send a test to ${hook.url}`}
                onClick={() => test(hook)}
              >
                Test
              </button>
              {hook.state !== 'active' && (
                <button
                  type="button"
                  class="small"
                  aria-label={`Resume ${hook.url}`}
                  onClick={() => resume(hook)}
                >
                  Resume
                </button>
              )}
              <button
                type="button"
                class="small danger"
                aria-label={`Delete ${hook.url}`}
                onClick={() => setDeleting(hook)}
              >
                Delete
              </button>
            </td>
          </tr>
        )}
      />
      <IncomingHooks />
      {deleting && (
        <Confirm
          title="Delete this webhook?"
          action="Delete"
          onConfirm={() => remove(deleting)}
          onClose={() => setDeleting(null)}
        >
          <p>
            Nothing more is sent to <code>{deleting.url}</code>. What it has missed is not sent later.
          </p>
        </Confirm>
      )}
      {adding && (
        <Add
          onClose={() => setAdding(false)}
          onAdded={(made) => {
            setAdding(false);
            setSecret(made.secret);
            void list.load();
          }}
        />
      )}
      {secret && (
        <Dialog title="The webhook is there" onClose={() => setSecret('')}>
          <p>This is its secret, with which the receiver checks signatures. It is shown only now.</p>
          <Copyable text={secret} label="the secret" />
          <footer>
            <span />
            <button type="button" class="solid" onClick={() => setSecret('')}>
              I have it
            </button>
          </footer>
        </Dialog>
      )}
    </>
  );
}

function State({ hook }: { hook: Webhook }) {
  const [name, kind] = STATES[hook.state] ?? [hook.state, 'badge'];
  return (
    <>
      <span class={kind}>{name}</span>
      {hook.last_error && <p>{hook.last_error}</p>}
      {hook.failing_since && (
        <p class="quiet">
          Failing since <Time at={hook.failing_since} />
        </p>
      )}
      {hook.next_attempt_at && (
        <p class="quiet">
          Next attempt <Time at={hook.next_attempt_at} />
        </p>
      )}
    </>
  );
}

function Add({ onClose, onAdded }: { onClose: () => void; onAdded: (made: { secret: string }) => void }) {
  const [url, setUrl] = useState('');
  const [rooms, setRooms] = useState('');
  const [events, setEvents] = useState<EventName[]>(['message']);
  const [busy, setBusy] = useState(false);
  const ready = url.trim() !== '' && events.length > 0 && !busy;
  const add = async (event: Event) => {
    event.preventDefault();
    if (!ready) return;
    setBusy(true);
    const named = roomsIn(rooms);
    try {
      const body = { url: url.trim(), events, ...(named.length > 0 && { rooms: named }) };
      onAdded(await api().post<{ secret: string }>('webhooks', body));
    } catch (error) {
      sayFailure(error);
      setBusy(false);
    }
  };
  const toggle = (name: EventName, on: boolean) =>
    setEvents(on ? [...events, name] : events.filter((event) => event !== name));
  return (
    <Dialog title="Add a webhook" onClose={onClose}>
      <form class="form" onSubmit={add}>
        <Field label="Address" hint="The service that receives the posts, like https://example.org/hook.">
          {(ids) => (
            <input
              {...ids}
              type="url"
              value={url}
              maxLength={2000}
              autocomplete="off"
              onInput={(event) => setUrl(event.currentTarget.value)}
            />
          )}
        </Field>
        <Field label="Rooms" hint="Separated by commas. Empty: all rooms.">
          {(ids) => <input {...ids} value={rooms} onInput={(event) => setRooms(event.currentTarget.value)} />}
        </Field>
        <fieldset>
          <legend>Events</legend>
          {(Object.keys(EVENTS) as EventName[]).map((name) => (
            <label key={name} class="check">
              <input
                type="checkbox"
                checked={events.includes(name)}
                onChange={(event) => toggle(name, event.currentTarget.checked)}
              />
              <span>{EVENTS[name]}</span>
            </label>
          ))}
        </fieldset>
        <footer>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="solid" aria-disabled={!ready}>
            Add
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
