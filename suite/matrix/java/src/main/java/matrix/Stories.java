package matrix;

import io.sentry.Attachment;
import io.sentry.Breadcrumb;
import io.sentry.MonitorConfig;
import io.sentry.MonitorSchedule;
import io.sentry.Sentry;
import io.sentry.protocol.Feedback;
import io.sentry.protocol.User;
import io.sentry.util.CheckInUtils;
import java.nio.charset.StandardCharsets;

/** The stories of the matrix as a plain Java program tells them; suite/src/matrix/mod.rs says what they are. */
public final class Stories {
  private static final int FLOOD_EVENTS = 500;
  /** The SDK's queue holds 30 envelopes; a program that reports more at once waits for it. */
  private static final int FLOOD_AT_ONCE = 25;
  private static final long FLUSH_MS_MAX = 20_000;

  private Stories() {}

  static final class PriceError extends RuntimeException {
    PriceError(int order, Throwable cause) {
      super("order " + order + " cannot be priced", cause);
    }
  }

  public static void main(String[] words) throws Exception {
    Sentry.init(options -> {
      options.setDsn(System.getenv("SENTRY_DSN"));
      options.setRelease("matrix@1.0.0");
      options.setEnvironment("matrix");
      options.setDebug(true);
      options.setEnableAutoSessionTracking(false);
    });
    tell(words[0]);
    Sentry.flush(FLUSH_MS_MAX);
    Sentry.close();
    System.out.println("done " + words[0]);
  }

  private static void tell(String story) throws Exception {
    switch (story) {
      case "handled" -> handled();
      case "unhandled" -> throw new IllegalStateException("the basket fell over");
      case "group" -> group();
      case "attachment" -> attachment();
      case "feedback" -> feedback();
      case "session" -> {
        Sentry.startSession();
        Sentry.endSession();
      }
      case "oversize" -> oversize();
      case "flood" -> flood();
      case "checkin" -> checkin();
      default -> throw new IllegalArgumentException("no such story: " + story);
    }
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
    User user = new User();
    user.setId("u-7");
    user.setEmail("mia@example.com");
    Sentry.setUser(user);
    Sentry.setTag("wallet", "apple_pay");
    Breadcrumb crumb = new Breadcrumb("basket opened");
    crumb.setCategory("basket");
    Sentry.addBreadcrumb(crumb);
    try {
      priceOf(42);
    } catch (PriceError error) {
      Sentry.captureException(error);
    }
  }

  private static void group() {
    RuntimeException both = new RuntimeException("two deliveries failed");
    both.addSuppressed(new IllegalStateException("tea is late"));
    both.addSuppressed(new IllegalArgumentException("the cup is broken"));
    Sentry.captureException(both);
  }

  private static void attachment() {
    byte[] receipt = "two cups of tea".getBytes(StandardCharsets.UTF_8);
    Sentry.withScope(scope -> {
      scope.addAttachment(new Attachment(receipt, "receipt.txt", "text/plain"));
      Sentry.captureMessage("the till printed nonsense");
    });
  }

  private static void feedback() {
    Feedback feedback = new Feedback("the basket is empty again");
    feedback.setName("Mia");
    feedback.setContactEmail("mia@example.com");
    Sentry.feedback().capture(feedback);
  }

  private static void oversize() {
    Sentry.withScope(scope -> {
      for (int number = 0; number < 3000; number++) {
        scope.setExtra("item-" + number, "tea ".repeat(256));
      }
      Sentry.captureMessage("the list is too long");
    });
    Sentry.flush(FLUSH_MS_MAX);
    Sentry.captureMessage("after the long list");
  }

  private static void flood() {
    for (int number = 0; number < FLOOD_EVENTS; number++) {
      Sentry.captureMessage("the stock of " + (number % 2 == 0 ? "tea" : "cups") + " is low");
      if (number % FLOOD_AT_ONCE == FLOOD_AT_ONCE - 1) {
        Sentry.flush(FLUSH_MS_MAX);
      }
    }
  }

  private static void checkin() throws Exception {
    MonitorConfig config = new MonitorConfig(MonitorSchedule.crontab("0 3 * * *"));
    CheckInUtils.withCheckIn("nightly-close", config, () -> null);
  }
}
