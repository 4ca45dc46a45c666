// The frame: who is signed in, the sections, and the one that is open.

import { useSignalEffect } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { base } from '../state/base';
import { Icon } from '../view/icons';
import { Logo } from '../view/Logo';
import { Audit } from './Audit';
import { Bans } from './Bans';
import { flash } from './flash';
import { Held } from './Held';
import { Overview } from './Overview';
import { People } from './People';
import { Refusals } from './Refusals';
import { RoomPage } from './RoomPage';
import { Rooms } from './Rooms';
import { hrefOf, route, SECTIONS, type Section } from './router';
import { Settings } from './Settings';
import { SignIn } from './SignIn';
import { session, signOut } from './session';
import { Tokens } from './Tokens';
import { Webhooks } from './Webhooks';

const VIEWS: Record<Section, ComponentType> = {
  overview: Overview,
  rooms: Rooms,
  people: People,
  bans: Bans,
  held: Held,
  audit: Audit,
  refusals: Refusals,
  webhooks: Webhooks,
  tokens: Tokens,
  settings: Settings,
};

function Navigation() {
  const current = route.value.section;
  return (
    <nav id="sections" aria-label="Sections">
      <ul>
        {(Object.keys(SECTIONS) as Section[]).map((section) => (
          <li key={section}>
            <a href={hrefOf(section)} aria-current={section === current ? 'page' : undefined}>
              {SECTIONS[section]}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function SignedInAs() {
  const me = session.value?.me;
  if (!me) return null;
  return (
    <div class="signed-in">
      <p>
        <bdi>{me.name ?? (me.token_id ? me.user_id : 'ADMIN_TOKEN')}</bdi> <span class="tag">{me.role}</span>
      </p>
      {me.rooms && <p class="quiet">Only in {me.rooms.map((room) => `#${room}`).join(', ')}</p>}
      <div class="links">
        <a href={base}>Open the chat</a>
        <button type="button" class="link" onClick={signOut}>
          Sign out
        </button>
      </div>
    </div>
  );
}

function Result() {
  const result = flash.value;
  return (
    <div class="result" role="status">
      {result && <p class={result.bad ? 'bad' : ''}>{result.text}</p>}
    </div>
  );
}

export function App() {
  const [open, setOpen] = useState(false);
  const menu = useRef<HTMLButtonElement>(null);
  // On a small screen a choice closes the menu.
  useSignalEffect(() => {
    if (route.value) setOpen(false);
  });
  if (!session.value) return <SignIn />;
  const { section, item } = route.value;
  const View = VIEWS[section];
  return (
    <div class="admin">
      {/* biome-ignore lint/a11y/useValidAnchor: a link to the content, which leaves the section's address alone */}
      <a class="skip" href="#content" onClick={toMain}>
        Skip to the content
      </a>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: Escape closes the menu from any part of it */}
      <header
        class={open ? 'side open' : 'side'}
        onKeyDown={(event) => {
          if (event.key !== 'Escape' || !open) return;
          setOpen(false);
          menu.current?.focus();
        }}
      >
        <div class="brand">
          <Logo />
          <span>Hubbub admin</span>
          <button
            ref={menu}
            type="button"
            class="round menu"
            aria-label="Sections"
            aria-expanded={open}
            aria-controls="sections"
            onClick={() => setOpen(!open)}
          >
            <Icon name={open ? 'close' : 'menu'} />
          </button>
        </div>
        <Navigation />
        <SignedInAs />
      </header>
      <main id="content">
        {section === 'rooms' && item !== '' ? <RoomPage key={item} name={item} /> : <View key={section} />}
      </main>
      <Result />
    </div>
  );
}

function toMain(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>('h1')?.focus();
}
