// One room: how it is run, an announcement, its newest messages, and who is there.

import { useEffect, useState } from 'preact/hooks';
import { ApiFailure, at, messageOf } from './api';
import { Confirm } from './Dialog';
import { attempt } from './flash';
import { number } from './format';
import { useKeptFocus, usePoll } from './hooks';
import { UserTable } from './People';
import { Failed, Field, Heading, Link, Skeleton, Time, Who } from './parts';
import { slowMode } from './Rooms';
import { api, session } from './session';
import type { Message, Room } from './types';

const EVERY_MS = 5_000;
const SLOW_MODES = [0, 5, 10, 30, 60, 300, 900, 3600, 21600];
const TOPIC_MAX = 300;
const MESSAGES = 20;

const moderate = (body: object) => api().post('moderation', body);

export function RoomPage({ name }: { name: string }) {
  const [room, setRoom] = useState<Room | null>(null);
  const [failed, setFailed] = useState('');
  const load = async () => {
    try {
      setRoom(await api().get<Room>(at('rooms', name)));
      setFailed('');
    } catch (error) {
      const gone = error instanceof ApiFailure && error.code === 'unknown_room';
      setFailed(gone ? `There is no room named ${name}.` : messageOf(error));
    }
  };
  useEffect(() => {
    void load();
  }, []);
  usePoll(load, EVERY_MS);
  return (
    <>
      <p class="back">
        <Link to="rooms">All rooms</Link>
      </p>
      <Heading note={room && `${number(room.members)} people, ${number(room.last_id)} entries so far`}>
        # <bdi>{name}</bdi>
      </Heading>
      {failed && <Failed message={failed} retry={load} />}
      {!room && !failed && <Skeleton />}
      {room && (
        <div class="columns">
          <Rules room={room} reload={load} />
          <Announce room={name} />
          <Newest room={name} newest={room.last_id} />
          <section class="card-section wide">
            <h2>People</h2>
            <UserTable room={name} members={room.members} />
          </section>
        </div>
      )}
    </>
  );
}

function Rules({ room, reload }: { room: Room; reload: () => Promise<void> }) {
  const [topic, setTopic] = useState(room.topic);
  const [edited, setEdited] = useState(false);
  const [locking, setLocking] = useState(false);
  const act = async (body: object, done: string) => {
    if (await attempt(() => moderate({ room: room.name, ...body }), done)) await reload();
  };
  // A change by another moderator is shown, unless this one is being written.
  const shown = edited ? topic : room.topic;
  const lock = () => {
    setLocking(false);
    void act(
      { action: 'lock', locked: !room.locked },
      room.locked ? `#${room.name} is open again.` : `#${room.name} is locked.`,
    );
  };
  return (
    <section class="card-section">
      <h2>How it is run</h2>
      <form
        class="form"
        onSubmit={async (event) => {
          event.preventDefault();
          await act({ action: 'topic', text: shown.trim() }, 'The topic is set.');
          setEdited(false);
        }}
      >
        <Field label="Topic" hint="What the room is about, for everyone to see. Empty: no topic.">
          {(ids) => (
            <input
              {...ids}
              value={shown}
              maxLength={TOPIC_MAX}
              dir="auto"
              onInput={(event) => {
                setTopic(event.currentTarget.value);
                setEdited(true);
              }}
            />
          )}
        </Field>
        <button type="submit" aria-disabled={!edited}>
          Set the topic
        </button>
      </form>
      <Field label="Slow mode" hint="Time between two messages of one person.">
        {(ids) => (
          <select
            {...ids}
            value={room.slow_mode_s}
            onChange={(event) => {
              const seconds = Number(event.currentTarget.value);
              void act({ action: 'slow_mode', seconds }, `Slow mode: ${slowMode(seconds)}.`);
            }}
          >
            {[...new Set([...SLOW_MODES, room.slow_mode_s])]
              .sort((a, b) => a - b)
              .map((seconds) => (
                <option key={seconds} value={seconds}>
                  {slowMode(seconds)}
                </option>
              ))}
          </select>
        )}
      </Field>
      <div class="field lock">
        <p>
          {room.locked ? (
            <span class="badge warn">Locked: only moderators may write</span>
          ) : (
            <span class="badge">Open: everyone may write</span>
          )}
        </p>
        <button type="button" onClick={() => (room.locked ? lock() : setLocking(true))}>
          {room.locked ? 'Open the room' : 'Lock the room'}
        </button>
      </div>
      {locking && (
        <Confirm
          title={`Lock #${room.name}?`}
          action="Lock"
          onConfirm={lock}
          onClose={() => setLocking(false)}
        >
          <p>Only moderators can write in it until it is opened again. Everyone can go on reading.</p>
        </Confirm>
      )}
    </section>
  );
}

function Announce({ room }: { room: string }) {
  const [text, setText] = useState('');
  const [sender, setSender] = useState(session.peek()?.me.name ?? 'Announcement');
  const [asking, setAsking] = useState(false);
  const post = async () => {
    setAsking(false);
    const posted = () =>
      api().post(`${at('rooms', room)}/messages`, { sender: sender.trim(), text: text.trim() });
    if (await attempt(posted, `Posted in #${room}.`)) setText('');
  };
  const ready = text.trim() !== '' && sender.trim() !== '';
  return (
    <section class="card-section">
      <h2>Announcement</h2>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) setAsking(true);
        }}
      >
        <Field label="Name">
          {(ids) => (
            <input
              {...ids}
              value={sender}
              maxLength={32}
              onInput={(event) => setSender(event.currentTarget.value)}
            />
          )}
        </Field>
        <Field label="Text" hint="It is shown as a message by a program.">
          {(ids) => (
            <textarea
              {...ids}
              rows={3}
              dir="auto"
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          )}
        </Field>
        <button type="submit" aria-disabled={!ready}>
          Post in the room
        </button>
      </form>
      {asking && (
        <Confirm
          title={`Post in #${room}?`}
          action="Post"
          danger={false}
          onConfirm={post}
          onClose={() => setAsking(false)}
        >
          <blockquote dir="auto">{text.trim()}</blockquote>
        </Confirm>
      )}
    </section>
  );
}

function Newest({ room, newest }: { room: string; newest: number }) {
  const around = useKeptFocus<HTMLUListElement>();
  const [messages, setMessages] = useState<Message[] | null>(null);
  const [failed, setFailed] = useState('');
  const [deleting, setDeleting] = useState<Message | null>(null);
  const load = async () => {
    try {
      const page = await api().get<{ messages: Message[] }>(`${at('rooms', room)}/messages`, {
        limit: MESSAGES,
      });
      setMessages(page.messages.reverse());
      setFailed('');
    } catch (error) {
      setFailed(messageOf(error));
    }
  };
  useEffect(() => {
    void load();
  }, [newest]);
  const remove = async (message: Message) => {
    setDeleting(null);
    const body = { action: 'delete', room, id: message.id };
    if (await attempt(() => moderate(body), 'The message is deleted.')) await load();
  };
  return (
    <section class="card-section wide">
      <h2>Newest messages</h2>
      {failed && <Failed message={failed} retry={load} />}
      {!messages && !failed && <Skeleton />}
      {messages?.length === 0 && <p class="quiet">Nothing was said here yet.</p>}
      <ul class="messages" ref={around}>
        {messages?.map((message) => (
          <li key={message.id}>
            <p class="by">
              <Who name={message.sender} id={message.user_id} /> <Time at={message.timestamp} />
            </p>
            <p class="text" dir="auto">
              {message.text}
            </p>
            <button
              type="button"
              class="link danger"
              aria-label={`Delete the message of ${message.sender}`}
              onClick={() => setDeleting(message)}
            >
              Delete
            </button>
          </li>
        ))}
      </ul>
      {deleting && (
        <Confirm
          title="Delete this message?"
          action="Delete"
          onConfirm={() => remove(deleting)}
          onClose={() => setDeleting(null)}
        >
          <p>It disappears for everyone. The audit log notes that it was deleted, and not what it said.</p>
          <blockquote dir="auto">{deleting.text}</blockquote>
        </Confirm>
      )}
    </section>
  );
}
