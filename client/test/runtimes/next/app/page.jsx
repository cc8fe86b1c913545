'use client';

import * as client from '@comfygate/client';
import { useEffect } from 'react';
import { program } from '../../program.js';

export default function Page() {
  useEffect(() => {
    window.run = (url) => program(client, { url });
  }, []);
  return <p>ready</p>;
}
