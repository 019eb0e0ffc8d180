# The stories of the matrix through raven, the oldest client that Debian packages.
require "logger"
require "raven/base"

FLOOD_EVENTS = 500

class RateError < StandardError; end
class PriceError < StandardError; end

Raven.configure do |config|
  config.dsn = ENV.fetch("SENTRY_DSN")
  config.release = "matrix@1.0.0"
  config.current_environment = "matrix"
  config.logger = Logger.new($stdout, level: Logger::DEBUG)
  # Each event in a request of its own, as a script that ends soon after wants it.
  config.async = false
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
  Raven.user_context(id: "u-7", email: "mia@example.com")
  Raven.tags_context(wallet: "apple_pay")
  Raven.breadcrumbs.record do |crumb|
    crumb.category = "basket"
    crumb.message = "basket opened"
  end
  price_of(42)
rescue PriceError => error
  Raven.capture_exception(error)
end

def unhandled
  Raven.capture { raise "the basket fell over" }
end

def oversize
  list = (0...3000).to_h { |number| ["item-#{number}", "tea " * 256] }
  Raven.capture_message("the list is too long", extra: list)
  # The client holds back for a second after a refusal.
  sleep 1.5
  Raven.capture_message("after the long list")
end

def flood
  FLOOD_EVENTS.times { |number| Raven.capture_message("the stock of #{%w[tea cups][number % 2]} is low") }
end

story = ARGV.fetch(0)
send(story)
puts "done #{story}"
