// What is needed once a room is entered. The first screen does without it, and fetches it while it is shown.

import { provideParts } from '../client/chat';
import { Outbox } from '../client/outbox';
import { Roster } from '../client/roster';
import { provideTimelines } from './store';
import * as timelines from './timeline';

provideParts({ Outbox, Roster });
provideTimelines(timelines);
