// Addresses at which other services post messages into a room.

import { useState } from 'preact/hooks';
import { base } from '../state/base';
import { at } from './api';
import { Confirm, Dialog } from './Dialog';
import { attempt, sayFailure } from './flash';
import { useList } from './hooks';
import { Copyable, Field, Listed, Time, Who } from './parts';
import { fetchRooms } from './Rooms';
import { api } from './session';
import type { IncomingHook, Room } from './types';

const PAGE = 50;

/** The command that posts a message. `path` is the server's, and this page may be below a prefix of a proxy. */
export function curl(origin: string, prefix: string, path: string): string {
  const address = origin + prefix + path.replace(/^\//, '');
  return `curl -H 'Content-Type: application/json' -d '{"text": "Hello"}' '${address}'`;
}

export function IncomingHooks() {
  const [deleting, setDeleting] = useState<IncomingHook | null>(null);
  const [adding, setAdding] = useState(false);
  const [path, setPath] = useState('');
  const list = useList<IncomingHook>(async (last) => {
    const query = { after: last?.id, limit: PAGE };
    const page = await api().get<{ hooks: IncomingHook[]; more: boolean }>('hooks', query);
    return { items: page.hooks, more: page.more };
  });
  const remove = async (hook: IncomingHook) => {
    setDeleting(null);
    if (await attempt(() => api().delete(at('hooks', hook.id)), 'The address is deleted.')) await list.load();
  };
  return (
    <section class="part">
      <h2>Addresses for incoming messages</h2>
      <p class="quiet">Anyone who knows such an address can post in its room, without a token.</p>
      {list.state.value === 'ready' && (
        <div class="filters">
          <button type="button" onClick={() => setAdding(true)}>
            Add an address
          </button>
        </div>
      )}
      <Listed
        list={list}
        caption="Addresses for incoming messages"
        columns={['Room', 'Name', 'By', 'Since', 'Actions']}
        empty="There are none yet."
        absent="This server has no addresses for incoming messages."
        row={(hook) => (
          <tr key={hook.id}>
            <th scope="row">#{hook.room}</th>
            <td>{hook.username ?? <span class="quiet">As posted</span>}</td>
            <td>
              <Who id={hook.by} />
            </td>
            <td>
              <Time at={hook.created_at} />
            </td>
            <td class="actions">
              <button
                type="button"
                class="small danger"
                aria-label={`Delete the address of ${hook.room}`}
                onClick={() => setDeleting(hook)}
              >
                Delete
              </button>
            </td>
          </tr>
        )}
      />
      {deleting && (
        <Confirm
          title="Delete this address?"
          action="Delete"
          onConfirm={() => remove(deleting)}
          onClose={() => setDeleting(null)}
        >
          <p>It can no longer be used to post in #{deleting.room}.</p>
        </Confirm>
      )}
      {adding && (
        <Add
          onClose={() => setAdding(false)}
          onAdded={(made) => {
            setAdding(false);
            setPath(made.path);
            void list.load();
          }}
        />
      )}
      {path && (
        <Dialog title="The address is there" onClose={() => setPath('')}>
          <p>This posts a message with it. The address is shown only now: keep it secret.</p>
          <Copyable text={curl(location.origin, base, path)} label="the command" />
          <footer>
            <span />
            <button type="button" class="solid" onClick={() => setPath('')}>
              I have it
            </button>
          </footer>
        </Dialog>
      )}
    </section>
  );
}

function Add({ onClose, onAdded }: { onClose: () => void; onAdded: (made: { path: string }) => void }) {
  const rooms = useList<Room>(fetchRooms);
  const [chosen, setChosen] = useState('');
  const [username, setUsername] = useState('');
  const [busy, setBusy] = useState(false);
  const room = chosen || rooms.items.value[0]?.name || '';
  const add = async (event: Event) => {
    event.preventDefault();
    if (busy || room === '') return;
    setBusy(true);
    try {
      const body = { room, ...(username.trim() && { username: username.trim() }) };
      onAdded(await api().post<{ path: string }>('hooks', body));
    } catch (error) {
      sayFailure(error);
      setBusy(false);
    }
  };
  return (
    <Dialog title="Add an address" onClose={onClose}>
      <form class="form" onSubmit={add}>
        <Field label="Room">
          {(ids) => (
            <select {...ids} value={room} onChange={(event) => setChosen(event.currentTarget.value)}>
              {rooms.items.value.map(({ name }) => (
                <option key={name} value={name}>
                  #{name}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label="Name" hint="Under which messages are posted. Empty: each post says it.">
          {(ids) => (
            <input
              {...ids}
              value={username}
              maxLength={32}
              onInput={(event) => setUsername(event.currentTarget.value)}
            />
          )}
        </Field>
        <footer>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="solid" aria-disabled={busy || room === ''}>
            Add
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
