import * as client from '@comfygate/client';
import { program } from '../../program.js';

Object.assign(window, { run: (url: string) => program(client, { url }) });
