// Answers when everything that was reported is sent.
import * as Sentry from '@sentry/nextjs';

export const dynamic = 'force-dynamic';

export async function GET() {
  await Sentry.flush(20000);
  return new Response('sent');
}
