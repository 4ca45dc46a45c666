// The way in: a token of a moderator or an admin.

import { useEffect, useRef, useState } from 'preact/hooks';
import { Logo } from '../view/Logo';
import { checking, reason, signIn } from './session';

export function SignIn() {
  const field = useRef<HTMLInputElement>(null);
  const [token, setToken] = useState('');
  const [shown, setShown] = useState(false);
  const [problem, setProblem] = useState('');
  const busy = checking.value;
  const error = problem || reason.value;
  useEffect(() => {
    document.title = 'Sign in · Hubbub admin';
    if (!busy) field.current?.focus();
  }, [busy, error]);
  const submit = (event: Event) => {
    event.preventDefault();
    if (busy) return;
    const given = token.trim();
    // A header carries visible ASCII only, and fetch would fail with a message for programmers.
    const bad = given === '' ? 'Paste a token.' : /[^\x21-\x7e]/.test(given) ? 'This is no token.' : '';
    setProblem(bad);
    if (!bad) void signIn(given);
  };
  return (
    <main class="sign-in">
      <form class="panel" onSubmit={submit} noValidate>
        <Logo />
        <h1>Hubbub admin</h1>
        <p class="tagline">Rooms, people and figures of this server.</p>
        <div class="field">
          <label for="token">Token</label>
          <input
            ref={field}
            id="token"
            {...(shown ? { type: 'text' } : { type: 'password' })}
            value={token}
            autocomplete="off"
            spellcheck={false}
            aria-invalid={error !== ''}
            aria-describedby="token-error token-hint"
            onInput={(event) => {
              setToken(event.currentTarget.value);
              setProblem('');
            }}
          />
        </div>
        <label class="check">
          <input
            type="checkbox"
            checked={shown}
            onChange={(event) => setShown(event.currentTarget.checked)}
          />
          <span>Show the token</span>
        </label>
        <p class="error" id="token-error" role="status">
          {error}
        </p>
        <button type="submit" class="primary" aria-disabled={busy}>
          {busy ? 'Signing in…' : 'Sign in'}
        </button>
        <p class="quiet hint" id="token-hint">
          ADMIN_TOKEN, or a token that <code>hubbub token --role moderator --name Mo</code> makes. It stays in
          this tab, and is gone when the tab is closed.
        </p>
      </form>
    </main>
  );
}
