# The stories of the matrix through the SDK that Debian packages.
require "logger"
require "rack"
require "sentry-ruby"

FLOOD_EVENTS = 500

class RateError < StandardError; end
class PriceError < StandardError; end

Sentry.init do |config|
  config.dsn = ENV.fetch("SENTRY_DSN")
  config.release = "matrix@1.0.0"
  config.environment = "matrix"
  config.logger = Logger.new($stdout, level: Logger::DEBUG)
  config.debug = true
  # Each event in a request of its own, as a script that ends soon after wants it.
  config.background_worker_threads = 0
end

def rate_for(currency)
  raise RateError, "no rate for #{currency}"
end

def price_of(order)
  rate_for("GBP")
rescue RateError
  raise PriceError, "order #{order} cannot be priced"
end

def handled
  Sentry.set_user(id: "u-7", email: "mia@example.com")
  Sentry.set_tags(wallet: "apple_pay")
  Sentry.add_breadcrumb(Sentry::Breadcrumb.new(category: "basket", message: "basket opened"))
  price_of(42)
rescue PriceError => error
  Sentry.capture_exception(error)
end

# The SDK sees what a Rack app lets through, and hands it on to the server.
def unhandled
  app = Sentry::Rack::CaptureExceptions.new(->(_environment) { raise "the basket fell over" })
  begin
    app.call(Rack::MockRequest.env_for("http://shop.example.com/basket"))
  rescue RuntimeError => error
    puts "the server hears of it too: #{error.message}"
  end
end

def session
  Sentry.with_session_tracking { nil }
  Sentry.session_flusher.flush
end

def oversize
  Sentry.with_scope do |scope|
    scope.set_extras((0...3000).to_h { |number| ["item-#{number}", "tea " * 256] })
    Sentry.capture_message("the list is too long")
  end
  Sentry.capture_message("after the long list")
end

def flood
  FLOOD_EVENTS.times { |number| Sentry.capture_message("the stock of #{%w[tea cups][number % 2]} is low") }
end

story = ARGV.fetch(0)
send(story)
puts "done #{story}"
