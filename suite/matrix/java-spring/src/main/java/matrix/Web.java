package matrix;

import io.sentry.Sentry;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.web.servlet.context.ServletWebServerApplicationContext;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

/** A Spring Boot program that tells each story while it answers a request. */
@SpringBootApplication
@RestController
public class Web {
  private static final long FLUSH_MS_MAX = 20_000;

  public static void main(String[] words) throws Exception {
    var context = (ServletWebServerApplicationContext) SpringApplication.run(Web.class);
    var address = URI.create("http://127.0.0.1:" + context.getWebServer().getPort() + "/" + words[0]);
    HttpClient.newHttpClient().send(HttpRequest.newBuilder(address).build(), HttpResponse.BodyHandlers.ofString());
    Sentry.flush(FLUSH_MS_MAX);
    context.close();
    System.out.println("done " + words[0]);
  }

  @GetMapping("/{story}")
  public String tell(@PathVariable("story") String story) throws Exception {
    Stories.tell(story);
    return "told";
  }
}
