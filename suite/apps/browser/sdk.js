// The entry point of the bundle: the whole SDK under the name that Sentry's own bundle uses.
import * as Sentry from '@sentry/browser';

globalThis.Sentry = Sentry;
