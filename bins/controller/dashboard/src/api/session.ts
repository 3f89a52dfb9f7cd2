// Keeps the token that calls are made with, renews it before it ends, and tells those who listen when there is none any more.
import { claims, onOtherTab, read, write, type Kept } from './kept';

type Listener = () => void;

/**
 * `starting` until it is known whether the controller asks for a sign-in; `open` where it does not;
 * `in` with a token; `out` where one is needed and there is none.
 */
export type SessionState = 'starting' | 'open' | 'in' | 'out';

/** Turns a refresh token into the next session. Throws `Over` where there is none any more, anything else where it can be tried again. */
export type Refresh = (refreshToken: string) => Promise<Kept>;

/** The session has ended for good. */
export class Over extends Error {}

/** A token is renewed so long before its end, or at half of its time where that is short. */
const AHEAD_MS = 60_000;
/** After a renewal that could not be made. */
const AGAIN_MS = 10_000;
/** What a timer can hold. */
const LONGEST_MS = 2 ** 31 - 1;

export class Session {
  #state: SessionState = 'starting';
  #kept: Kept | null = null;
  #refusal: string | null = null;
  #refresh: Refresh | null = null;
  #starter: (() => Promise<void>) | null = null;
  #starting: Promise<void> | null = null;
  #renewing: Promise<boolean> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #listeners = new Set<Listener>();

  /** Called once, before anything is asked: `starter` finds out whether the controller asks for a sign-in. */
  startBy(starter: () => Promise<void>): void {
    this.#starter = starter;
    void this.#started().catch(() => undefined);
  }

  /** The controller asks for no sign-in. */
  open(): void {
    this.#become('open', null);
  }

  /** The controller asks for one. Takes up what the browser has kept, and follows its other tabs. */
  ask(refresh: Refresh | null): void {
    this.#refresh = refresh;
    const kept = read();
    this.#become(kept ? 'in' : 'out', kept);
    onOtherTab((other) => this.#follow(other));
  }

  get state(): SessionState {
    return this.#state;
  }

  /** The token of now, renewed where it is about to end; null where nobody is signed in. Who waits for it waits until it is known whether one is needed. */
  async token(): Promise<string | null> {
    await this.#started();
    if (this.#endsWithin(AHEAD_MS / 2)) {
      await this.renew().catch((error: unknown) => {
        if (this.#endsWithin(0)) throw error;
      });
    }
    return this.current;
  }

  /** The same, for who cannot wait. */
  get current(): string | null {
    return this.#kept?.accessToken ?? null;
  }

  get email(): string | null {
    return this.#kept?.email ?? null;
  }

  /** Why the session ended; null where somebody signed out or never was in. */
  get refusal(): string | null {
    return this.#refusal;
  }

  set(kept: Kept): void {
    write(kept);
    this.#become('in', kept);
  }

  /** Nobody is signed in any more, in no tab. */
  end(why: string | null = null): void {
    write(null);
    this.#become('out', null, why);
  }

  /** The controller takes `token` no more. One that was replaced meanwhile ends nothing. */
  refused(token: string | null, why: string): void {
    if (token === this.current) this.end(why);
  }

  /** Tries to get a new token; several who ask at once get one answer. Throws where it could not be tried. */
  renew(): Promise<boolean> {
    this.#renewing ??= this.#renew().finally(() => (this.#renewing = null));
    return this.#renewing;
  }

  listen = (listener: Listener): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #started(): Promise<void> {
    if (this.#state !== 'starting' || !this.#starter) return Promise.resolve();
    // Where the controller could not be asked, the next who needs a token asks again.
    this.#starting ??= this.#starter().finally(() => (this.#starting = null));
    return this.#starting;
  }

  async #renew(): Promise<boolean> {
    const before = this.#kept;
    if (!before?.refreshToken || !this.#refresh) return false;
    // A refresh token is good once: of several tabs one uses it, and the others take what it got.
    return alone(async () => {
      const kept = read() ?? before;
      if (kept.accessToken !== before.accessToken) {
        this.#become('in', kept);
        return true;
      }
      try {
        this.set(await this.#refresh!(kept.refreshToken ?? before.refreshToken!));
        return true;
      } catch (error) {
        if (!(error instanceof Over)) throw error;
        this.end(error.message);
        return false;
      }
    });
  }

  #endsWithin(ms: number): boolean {
    const endsAt = this.#kept?.endsAt;
    return endsAt !== null && endsAt !== undefined && this.#kept?.refreshToken !== null && endsAt - Date.now() < Math.min(ms, this.#length / 4);
  }

  /** How long the token of now was good for when it came. */
  #length = AHEAD_MS * 2;

  #follow(other: Kept | null): void {
    if (other && this.#kept && claims(other.accessToken).sub !== claims(this.#kept.accessToken).sub) {
      // Somebody else signed in: nothing of who was here before stays in memory.
      location.reload();
      return;
    }
    this.#become(other ? 'in' : 'out', other);
  }

  #become(state: SessionState, kept: Kept | null, refusal: string | null = null): void {
    [this.#state, this.#kept, this.#refusal] = [state, kept, refusal];
    this.#plan();
    for (const listener of this.#listeners) listener();
  }

  #plan(): void {
    clearTimeout(this.#timer);
    const endsAt = this.#kept?.endsAt;
    if (!endsAt || !this.#kept?.refreshToken || !this.#refresh) return;
    const left = endsAt - Date.now();
    this.#length = Math.max(left, 1);
    this.#wake(left - Math.min(AHEAD_MS, left / 2));
  }

  #wake(afterMs: number): void {
    this.#timer = setTimeout(() => {
      this.renew().catch(() => this.#wake(AGAIN_MS));
    }, Math.min(Math.max(afterMs, 0), LONGEST_MS));
  }
}

/** One tab of the browser at a time. Where the browser has no locks (a page without TLS from another machine), at once. */
const alone = async (run: () => Promise<boolean>): Promise<boolean> => (navigator.locks ? navigator.locks.request('loadcore.session', run) : run());

export const session = new Session();
