/** Tests that mean to run with React 18 fail when they have got another one. */
import { version } from 'react';
import { version as rendered } from 'react-dom';

for (const one of [version, rendered])
  if (!one.startsWith('18.')) throw new Error(`React is ${one} here, and has to be 18`);
