// Takes a token that somebody got elsewhere.
import { useState, type FormEvent } from 'react';
import { claims } from '../../api/kept';
import { Button, TextArea } from '../../ui';
import { enter } from './enter';
import styles from './SignIn.module.css';
import { useAttempt } from './use-attempt';

export function PasteToken({ to, elsewhere }: { to?: string; elsewhere: boolean }) {
  const [text, setText] = useState('');
  const { busy, fault, attempt } = useAttempt();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const accessToken = text.trim().replace(/^Bearer\s+/i, '');
    const { exp, email } = claims(accessToken);
    void attempt('token', () => enter({ accessToken, refreshToken: null, endsAt: exp ? exp * 1000 : null, email: email ?? null }, to));
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      {elsewhere && <p>This controller asks who you are, and has no sign-in for browsers. Paste a token of your sign-in, or an API token that somebody made for you.</p>}
      <TextArea label="Token" required value={text} onChange={(event) => setText(event.target.value)} fault={fault} hint="It is kept in this browser until you sign out." autoComplete="off" />
      <Button type="submit" kind="primary" busy={busy !== null} disabled={text.trim() === ''}>Sign in</Button>
    </form>
  );
}
