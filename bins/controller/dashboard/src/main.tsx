// Starts the page: theme, queries, router.
import { MutationCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ApiError } from './api/client';
import { router } from './router';
import { startSession } from './api/start-session';
import './ui/tokens.css';
import './ui/base.css';
import { tellError } from './ui';
import { startTheme } from './ui/theme';

startTheme();

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // What the controller refused it refuses again; who cannot be reached is asked again.
      retry: (times, error) => (error instanceof ApiError && error.status > 0 && error.status < 500 ? false : times < 2),
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
  mutationCache: new MutationCache({ onError: (error, _variables, _context, mutation) => !mutation.options.onError && tellError(error) }),
});

startSession(queries);

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
