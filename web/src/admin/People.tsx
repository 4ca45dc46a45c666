// Who is in the rooms.

import { useEffect, useState } from 'preact/hooks';
import { Act, type ActionName, type Target, VERBS } from './Act';
import { at } from './api';
import { useList } from './hooks';
import { Failed, Field, Heading, Listed, Skeleton, Who } from './parts';
import { fetchRooms } from './Rooms';
import { api, session } from './session';
import type { Room, User } from './types';

const PAGE = 100;
const ACTIONS: ActionName[] = ['mute', 'kick', 'ban'];

export function People() {
  const rooms = useList<Room>(fetchRooms);
  const [chosen, setChosen] = useState('');
  const list = rooms.items.value;
  const busiest = list.reduce<Room | null>(
    (most, room) => (room.members > (most?.members ?? 0) ? room : most),
    null,
  );
  const room = list.find((one) => one.name === chosen) ?? busiest ?? list[0];
  return (
    <>
      <Heading note="Who is in a room now. People who are gone can be banned by their id, in Bans and mutes.">
        People
      </Heading>
      {rooms.state.value === 'loading' && <Skeleton />}
      {rooms.state.value === 'failed' && <Failed message={rooms.error.value} retry={() => rooms.load()} />}
      {room && (
        <>
          <div class="filters">
            <Field label="Room">
              {(ids) => (
                <select {...ids} value={room.name} onChange={(event) => setChosen(event.currentTarget.value)}>
                  {list.map(({ name, members }) => (
                    <option key={name} value={name}>
                      #{name} ({members})
                    </option>
                  ))}
                </select>
              )}
            </Field>
          </div>
          <UserTable key={room.name} room={room.name} members={room.members} />
        </>
      )}
    </>
  );
}

/** The people of a room. `members` is how many there are: if it changes, they are read again. */
export function UserTable({ room, members }: { room: string; members: number }) {
  const [text, setText] = useState('');
  const [target, setTarget] = useState<Target | null>(null);
  const list = useList<User>(async (last) => {
    const query = { after: last?.user_id, limit: PAGE };
    const page = await api().get<{ users: User[]; more: boolean }>(`${at('rooms', room)}/users`, query);
    return { items: page.users, more: page.more };
  }, room);
  useEffect(() => {
    // A longer list that is being read does not jump back to its first page.
    if (list.state.peek() !== 'loading' && list.items.peek().length <= PAGE) void list.load();
  }, [members]);
  const wanted = text.trim().toLowerCase();
  const matches = (user: User) =>
    user.username.toLowerCase().includes(wanted) || user.user_id.toLowerCase().includes(wanted);
  // A token for some rooms acts in those, and neither bans nor mutes.
  const bound = session.value?.me.rooms;
  const actions = bound ? (bound.includes(room) ? (['kick'] as ActionName[]) : []) : ACTIONS;
  return (
    <>
      <div class="filters">
        <Field label="Name or id">
          {(ids) => (
            <input
              {...ids}
              type="search"
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          )}
        </Field>
      </div>
      <Listed
        list={list}
        caption={`People in ${room}`}
        columns={['Name', 'Id', 'State', 'Actions']}
        empty="Nobody is in this room."
        filter={wanted === '' ? () => true : matches}
        row={(user) => (
          <tr key={user.user_id}>
            <th scope="row">
              <bdi>{user.username}</bdi>
            </th>
            <td>
              <Who id={user.user_id} />
            </td>
            <td>{user.away ? <span class="badge">Away</span> : 'Here'}</td>
            <td class="actions">
              {actions.map((action) => (
                <button
                  key={action}
                  type="button"
                  class={action === 'ban' ? 'small danger' : 'small'}
                  aria-label={`${VERBS[action].title} ${user.username}`}
                  onClick={() => setTarget({ action, room, ...user })}
                >
                  {VERBS[action].title}
                </button>
              ))}
            </td>
          </tr>
        )}
      />
      {target && (
        <Act
          target={target}
          onClose={() => setTarget(null)}
          onDone={() => {
            setTarget(null);
            void list.load();
          }}
        />
      )}
    </>
  );
}
