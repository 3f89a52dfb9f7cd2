// Takes up the session of before, where there is one.
export function startSession(): void {
  // A controller without a sign-in asks for none.
}
