// Revoking tokens, and how they are made.

import { useState } from 'preact/hooks';
import { Confirm } from './Dialog';
import { attempt } from './flash';
import { fullTime } from './format';
import { Copyable, Field, Forbidden, Heading, Time } from './parts';
import { api, isAdmin, session } from './session';

const COMMAND = 'hubbub token --role moderator --name Mo --expires 30d';

interface Asked {
  title: string;
  text: string;
  done: string;
  body: object;
}

export function Tokens() {
  const [asked, setAsked] = useState<Asked | null>(null);
  const me = session.value?.me;
  const revoke = async ({ body, done }: Asked) => {
    setAsked(null);
    await attempt(() => api().post('tokens/revoke', body), done);
  };
  return (
    <>
      <Heading note="Tokens are not listed: the server keeps none, it only checks what it is shown.">
        Tokens
      </Heading>
      <div class="columns">
        <section class="card-section">
          <h2>This token</h2>
          <dl class="pairs">
            <dt>Role</dt>
            <dd>{me?.role}</dd>
            <dt>User</dt>
            <dd>
              <code>{me?.user_id}</code>
            </dd>
            <dt>Token id</dt>
            <dd>{me?.token_id ? <code>{me.token_id}</code> : 'None: it is ADMIN_TOKEN'}</dd>
            <dt>Valid until</dt>
            <dd>{me?.expires ? <Time at={me.expires} /> : 'It does not expire'}</dd>
          </dl>
        </section>
        <section class="card-section">
          <h2>Make a token</h2>
          <p>
            On the server, with its settings. The command prints the token and a link that signs in with it;
            the link works for this page, too, with <code>/admin</code> before the <code>#</code>.
          </p>
          <Copyable text={COMMAND} label="the command" />
        </section>
        {isAdmin() ? <Revoke ask={setAsked} /> : <RevokeForbidden />}
      </div>
      {asked && (
        <Confirm
          title={asked.title}
          action="Revoke"
          onConfirm={() => revoke(asked)}
          onClose={() => setAsked(null)}
        >
          <p>{asked.text}</p>
          <p>Connections with them end. This cannot be undone.</p>
        </Confirm>
      )}
    </>
  );
}

const RevokeForbidden = () => (
  <section class="card-section">
    <h2>Revoke</h2>
    <Forbidden />
  </section>
);

function Revoke({ ask }: { ask: (asked: Asked) => void }) {
  const [tokenId, setTokenId] = useState('');
  const [userId, setUserId] = useState('');
  const [before, setBefore] = useState('');
  const beforeMs = new Date(before).getTime();
  const forms = [
    {
      label: 'One token, by its id',
      hint: 'hubbub token --json shows it. Of a JWT it is the jti.',
      value: tokenId,
      set: setTokenId,
      asked: {
        title: 'Revoke this token?',
        text: `The token ${tokenId.trim()} is not accepted any more.`,
        done: 'The token is revoked.',
        body: { token_id: tokenId.trim() },
      },
      ready: tokenId.trim() !== '',
    },
    {
      label: 'All tokens of a user, by the user’s id',
      hint: 'Those that were made until now. Tokens that are made later are valid.',
      value: userId,
      set: setUserId,
      asked: {
        title: 'Revoke the tokens of this user?',
        text: `No token that ${userId.trim()} was given until now is accepted any more.`,
        done: 'The tokens of the user are revoked.',
        body: { user_id: userId.trim() },
      },
      ready: userId.trim() !== '',
    },
    {
      label: 'All tokens from before a time',
      hint: 'Everyone signs in again, and people without a token become new users. ADMIN_TOKEN stays valid.',
      time: true,
      value: before,
      set: setBefore,
      asked: {
        title: 'Revoke all tokens from before then?',
        text: `No token that was made before ${Number.isNaN(beforeMs) ? '' : fullTime(before)} is accepted any more.`,
        done: 'The tokens are revoked.',
        body: { issued_before: Math.floor(beforeMs / 1000) },
      },
      ready: !Number.isNaN(beforeMs) && beforeMs > 0,
    },
  ];
  return (
    <section class="card-section wide">
      <h2>Revoke</h2>
      {forms.map(({ label, hint, value, set, asked, ready, time }) => (
        <form
          key={label}
          class="form inline"
          onSubmit={(event) => {
            event.preventDefault();
            if (ready) ask(asked);
          }}
        >
          <Field label={label} hint={hint}>
            {(ids) => (
              <input
                {...ids}
                {...(time ? { type: 'datetime-local' } : { type: 'text' })}
                value={value}
                maxLength={128}
                autocomplete="off"
                spellcheck={false}
                onInput={(event) => set(event.currentTarget.value)}
              />
            )}
          </Field>
          <button type="submit" class="danger" aria-disabled={!ready} aria-label={`Revoke: ${label}`}>
            Revoke
          </button>
        </form>
      ))}
    </section>
  );
}
