// Starts the admin page. It uses the HTTP API alone, and shares its looks with the chat, but no script.

import { effect } from '@preact/signals';
import { render } from 'preact';
import { prefs } from '../state/prefs';
import '../styles/base.css';
import '../styles/sign-in.css';
import './admin.css';
import './parts.css';
import './tables.css';
import { App } from './App';
import { resume } from './session';

effect(() => {
  const { dataset } = document.documentElement;
  dataset.theme = prefs.theme.value;
  dataset.density = prefs.density.value;
});

const root = document.getElementById('app');
if (root) render(<App />, root);
void resume();
