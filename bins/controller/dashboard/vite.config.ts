/// <reference types="vitest/config" />
// Turns src/ into dist/, and serves src/ with a proxy to a controller for development.
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** The controller that `npm start` talks to. */
const controller = process.env.LOADCORE_CONTROLLER ?? 'http://127.0.0.1:8080';
const proxied = { target: controller, changeOrigin: true, ws: true };

export default defineConfig({
  plugins: [react()],
  build: {
    target: 'es2022',
    // The page's policy allows no inlined data but pictures, and a script that is not a file is refused.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 400,
  },
  server: {
    port: 5173,
    proxy: { '/api': proxied, '/openapi.json': proxied, '/actuator': proxied, '/metrics': proxied },
  },
  test: { environment: 'happy-dom', globals: true, include: ['src/**/*.test.{ts,tsx}'] },
});
