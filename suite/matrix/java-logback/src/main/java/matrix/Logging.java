package matrix;

import io.sentry.Sentry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/** The stories of the matrix as a program tells them to its log; the DSN comes from the environment. */
public final class Logging {
  private static final Logger LOG = LoggerFactory.getLogger(Logging.class);
  private static final int FLOOD_EVENTS = 500;
  /** The SDK's queue holds 30 envelopes; a program that reports more at once waits for it. */
  private static final int FLOOD_AT_ONCE = 25;
  private static final long FLUSH_MS_MAX = 20_000;

  private Logging() {}

  static final class PriceError extends RuntimeException {
    PriceError(int order, Throwable cause) {
      super("order " + order + " cannot be priced", cause);
    }
  }

  public static void main(String[] words) {
    switch (words[0]) {
      case "handled" -> handled();
      case "unhandled" -> throw new IllegalStateException("the basket fell over");
      case "group" -> group();
      case "oversize" -> oversize();
      case "flood" -> flood();
      default -> throw new IllegalArgumentException("no such story: " + words[0]);
    }
    Sentry.flush(FLUSH_MS_MAX);
    Sentry.close();
    System.out.println("done " + words[0]);
  }

  private static int rateFor(String currency) {
    throw new IllegalArgumentException("no rate for " + currency);
  }

  private static int priceOf(int order) {
    try {
      return rateFor("GBP");
    } catch (IllegalArgumentException error) {
      throw new PriceError(order, error);
    }
  }

  private static void handled() {
    Sentry.configureScope(scope -> scope.setTag("wallet", "apple_pay"));
    LOG.info("basket opened");
    try {
      priceOf(42);
    } catch (PriceError error) {
      LOG.error("pricing", error);
    }
  }

  private static void group() {
    RuntimeException both = new RuntimeException("two deliveries failed");
    both.addSuppressed(new IllegalStateException("tea is late"));
    both.addSuppressed(new IllegalArgumentException("the cup is broken"));
    LOG.error("delivering", both);
  }

  private static void oversize() {
    for (int number = 0; number < 3000; number++) {
      MDC.put("item-" + number, "tea ".repeat(256));
    }
    LOG.warn("the list is too long");
    MDC.clear();
    Sentry.flush(FLUSH_MS_MAX);
    LOG.warn("after the long list");
  }

  private static void flood() {
    for (int number = 0; number < FLOOD_EVENTS; number++) {
      LOG.warn("the stock of {} is low", number % 2 == 0 ? "tea" : "cups");
      if (number % FLOOD_AT_ONCE == FLOOD_AT_ONCE - 1) {
        Sentry.flush(FLUSH_MS_MAX);
      }
    }
  }
}
