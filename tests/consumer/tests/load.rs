//! Asserts, as a user of the library would, that the service holds its objective under load.

use loadcore::LoadTest;
use std::time::Duration;

#[tokio::test]
async fn the_service_holds_500_requests_per_second() -> Result<(), Box<dyn std::error::Error>> {
    let url = consumer::start()?;
    let result = LoadTest::get(&url)
        .rate(500.0)
        .duration(Duration::from_secs(1))
        .sla("ok_p99<50ms")
        .sla("error_rate<1%")
        .run()
        .await?;
    result.assert_passed();
    assert_eq!(result.arrivals.due, 500);
    Ok(())
}
