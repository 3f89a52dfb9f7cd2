export interface MadeOptions {
  seconds?: number;
  workers?: number;
  requests?: number;
  rate?: number;
  seed?: number;
}
export interface MadeFrame {
  seq: number;
  type: string;
  data: any;
}
export function numbers(seed: number): () => number;
export function madeFrames(options?: MadeOptions): Generator<MadeFrame>;
