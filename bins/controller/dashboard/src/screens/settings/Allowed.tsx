// Says so where somebody may not do something, in the place of what would do it.
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { me } from '../../api/queries';
import type { Me } from '../../api/types';
import { Empty } from '../../ui';

const WHY: Record<'account' | 'admin', string> = {
  account: 'You are here with an API token, which makes and starts tests, and changes nothing of an account. Sign in to go on.',
  admin: 'This is for admins of the platform: ask one of them.',
};

/** Whether one may; a controller that does not say so refuses by itself. */
export function useMay(right: keyof typeof WHY): boolean | undefined {
  const { data, isError } = useQuery({ ...me, retry: false });
  return isError ? true : (data as Partial<Me> | undefined)?.[right];
}

export function Allowed({ right, children }: { right: keyof typeof WHY; children: ReactNode }) {
  return useMay(right) === false ? <Empty icon="key" title="You may not do this">{WHY[right]}</Empty> : children;
}
