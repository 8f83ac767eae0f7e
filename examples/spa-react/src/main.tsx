import { type FormEvent, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { Greeter } from '../plugins/greeter/src/contract.ts';
import { kernel } from './kernel.ts';
import { useStateOf } from './use-state-of.ts';

function Greeting() {
  const [text, setText] = useState('');
  const state = useStateOf('com.example.greeter');
  const greet = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const who = String(new FormData(event.currentTarget).get('who'));
    setText(
      await kernel
        .client(Greeter)
        .greet(who)
        .catch((error) => error.message),
    );
  };
  return (
    <form onSubmit={greet}>
      <input name="who" defaultValue="Ada" aria-label="Name" />{' '}
      <button type="submit" disabled={state !== 'active'}>
        Greet
      </button>
      <output>{text}</output>
    </form>
  );
}

const main = document.querySelector('main');
if (main !== null) createRoot(main).render(<Greeting />);
