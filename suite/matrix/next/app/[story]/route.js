// Tells one story while it answers a request.
import * as Sentry from '@sentry/nextjs';
import makeStories from '../../stories';

const stories = makeStories(Sentry);

export async function GET(request, { params }) {
  const { story } = await params;
  await stories[story]();
  return new Response('told');
}
