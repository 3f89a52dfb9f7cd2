// Keeps the token that calls are made with, and tells those who listen when there is none any more.

type Listener = () => void;

/** What renews a token, answering whether there is a new one. The sign-in sets it. */
type Renewal = () => Promise<boolean>;

class Session {
  #token: string | null = null;
  #refusal: string | null = null;
  #renewal: Renewal | null = null;
  #renewing: Promise<boolean> | null = null;
  readonly #listeners = new Set<Listener>();

  /** The token of now; null where nobody signed in, which a controller without a sign-in does not ask for. */
  async token(): Promise<string | null> {
    return this.#token;
  }

  /** The same, for who cannot wait. */
  get current(): string | null {
    return this.#token;
  }

  /** Why the last call was refused; null while none was. */
  get refusal(): string | null {
    return this.#refusal;
  }

  set(token: string | null): void {
    [this.#token, this.#refusal] = [token, null];
    this.#tell();
  }

  /** Tries to get a new token; several who ask at once get one answer. */
  renew(): Promise<boolean> {
    if (!this.#renewal) return Promise.resolve(false);
    this.#renewing ??= this.#renewal().finally(() => (this.#renewing = null));
    return this.#renewing;
  }

  renewBy(renewal: Renewal | null): void {
    this.#renewal = renewal;
  }

  refused(why: string): void {
    if (this.#refusal === why) return;
    this.#refusal = why;
    this.#tell();
  }

  listen = (listener: Listener): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

export const session = new Session();
