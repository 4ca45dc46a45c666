// Messages that wait for a moderator.

import { useState } from 'preact/hooks';
import { at } from './api';
import { Confirm } from './Dialog';
import { attempt } from './flash';
import { useList, usePoll } from './hooks';
import { Heading, Link, Listed, Time, Who } from './parts';
import { api } from './session';
import type { Held as HeldMessage } from './types';

const EVERY_MS = 5_000;
const PAGE = 50;

export function Held() {
  const [discarding, setDiscarding] = useState<HeldMessage | null>(null);
  const list = useList<HeldMessage>(async (last) => {
    const query = { after: last?.id, limit: PAGE };
    const page = await api().get<{ held: HeldMessage[]; more: boolean }>('held', query);
    return { items: page.held, more: page.more };
  });
  usePoll(
    () => (list.state.peek() === 'ready' && list.items.peek().length <= PAGE ? list.load() : undefined),
    EVERY_MS,
  );
  const decide = async (message: HeldMessage, action: 'release' | 'discard') => {
    setDiscarding(null);
    const done = action === 'release' ? 'The message is in its room.' : 'The message is discarded.';
    if (await attempt(() => api().post(at('held', message.id), { action }), done)) await list.load();
  };
  return (
    <>
      <Heading note="Messages that the word filter holds back until a moderator has read them.">
        Held for review
      </Heading>
      <Listed
        list={list}
        caption="Held messages"
        columns={['When', 'By', 'Room', 'Text', 'Matched', 'Actions']}
        empty="Nothing waits for review."
        absent="This server holds no messages for review."
        row={(message) => (
          <tr key={message.id}>
            <td>
              <Time at={message.at} />
            </td>
            <th scope="row">
              <Who name={message.username} id={message.user_id} />
            </th>
            <td>
              <Link to="rooms" item={message.room}>
                #{message.room}
              </Link>
            </td>
            <td class="long text" dir="auto">
              {message.text}
            </td>
            <td>{message.matched && <code>{message.matched}</code>}</td>
            <td class="actions">
              <button
                type="button"
                class="small"
                aria-label={`Release the message of ${message.username}`}
                onClick={() => decide(message, 'release')}
              >
                Release
              </button>
              <button
                type="button"
                class="small danger"
                aria-label={`Discard the message of ${message.username}`}
                onClick={() => setDiscarding(message)}
              >
                Discard
              </button>
            </td>
          </tr>
        )}
      />
      {discarding && (
        <Confirm
          title="Discard this message?"
          action="Discard"
          onConfirm={() => decide(discarding, 'discard')}
          onClose={() => setDiscarding(null)}
        >
          <p>It will never be in the room.</p>
          <blockquote dir="auto">{discarding.text}</blockquote>
        </Confirm>
      )}
    </>
  );
}
