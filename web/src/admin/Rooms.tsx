// All rooms, live.

import { useSignalEffect } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { number } from './format';
import { useList, usePoll } from './hooks';
import { NewestMessages } from './newest';
import { Heading, Link, Listed, Time } from './parts';
import { api } from './session';
import type { Message, Room } from './types';

const EVERY_MS = 5_000;
const PAGE = 200;

export const fetchRooms = async (last: Room | null) => {
  const page = await api().get<{ rooms: Room[]; more: boolean }>('rooms', { after: last?.name, limit: PAGE });
  return { items: page.rooms, more: page.more };
};

export function slowMode(seconds: number): string {
  if (seconds === 0) return 'Off';
  if (seconds % 3600 === 0) return `${seconds / 3600} h`;
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}

export function Rooms() {
  const list = useList<Room>(fetchRooms);
  const newest = useMemo(() => new NewestMessages(), []);
  useSignalEffect(() => {
    // A room's newest message is an extra: without it the list is still right.
    newest.update(list.items.value).catch(() => {});
  });
  // Only the first page stays live: a longer list does not jump back to it.
  usePoll(() => (list.items.peek().length <= PAGE ? list.load() : undefined), EVERY_MS, list);
  return (
    <>
      <Heading note="Counts are live. Open a room to lock it, slow it down, or see who is there.">
        Rooms
      </Heading>
      <Listed
        list={list}
        caption="Rooms"
        columns={['Room', 'People', 'Topic', 'Newest message', 'Slow mode', 'Writing', 'Entries', 'Lag']}
        empty="There are no rooms."
        row={(room) => (
          <tr key={room.name}>
            <th scope="row">
              <Link to="rooms" item={room.name}>
                <span class="hash" aria-hidden="true">
                  #{' '}
                </span>
                <bdi>{room.name}</bdi>
              </Link>
            </th>
            <td class="figure">{number(room.members)}</td>
            <td class="long">{room.topic || <span class="quiet">None</span>}</td>
            <td class="long">
              <Newest message={newest.known.value[room.name]?.message} />
            </td>
            <td>{slowMode(room.slow_mode_s)}</td>
            <td>{room.locked ? <span class="badge warn">Locked</span> : 'Open'}</td>
            <td class="figure">{number(room.last_id)}</td>
            <td class="figure">{number(room.lag)}</td>
          </tr>
        )}
      />
    </>
  );
}

function Newest({ message }: { message: Message | null | undefined }) {
  if (!message) return <span class="quiet">None</span>;
  return (
    <>
      <p class="one-line" title={message.text}>
        <bdi>{message.sender}</bdi>: <span dir="auto">{message.text}</span>
      </p>
      <p class="quiet">
        <Time at={message.timestamp} />
      </p>
    </>
  );
}
