import { useState } from 'react';
import { createRoot } from 'react-dom/client';
import { __NAME__ } from '../plugins/__WORD__/src/contract.ts';
import { kernel } from './kernel.ts';

function Greeting() {
  const [name, setName] = useState('Ada');
  const [text, setText] = useState('');
  const greet = async () => {
    try {
      const answer = await kernel.client(__NAME__).greet({ name });
      setText(`${answer.text} (${answer.times} times)`);
    } catch (error) {
      setText(String(error));
    }
  };
  return (
    <form action={greet}>
      <input aria-label="Name" value={name} onChange={(event) => setName(event.target.value)} />{' '}
      <button type="submit">Greet</button> <output>{text}</output>
    </form>
  );
}

const main = document.querySelector('main');
if (main !== null) createRoot(main).render(<Greeting />);
