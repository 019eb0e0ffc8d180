// The shop's own code under the web layer: where the in-app frames of most errors end.
'use strict';
const semver = require('semver');

class PriceError extends Error {
  constructor(message, options) {
    super(message, options);
    this.name = 'PriceError';
  }
}

function rateFor(rates, currency) {
  const wanted = currency.toUpperCase();
  return rates[wanted].value;
}

function priceOf(orderId, currency) {
  const lines = ['tea', 'cup'];
  const rates = { EUR: { value: 1.0 }, USD: { value: 1.09 } };
  try {
    return lines.length * rateFor(rates, currency);
  } catch (error) {
    throw new PriceError(`order ${orderId} cannot be priced`, { cause: error });
  }
}

function readVersion(text) {
  return new semver.SemVer(text);
}

function findCustomer(customerId) {
  throw new RangeError(`customer ${customerId} has no account`);
}

async function reserve(sku) {
  await Promise.resolve();
  throw new Error(`stock of ${sku} could not be reserved`);
}

module.exports = { priceOf, rateFor, readVersion, findCustomer, reserve };
