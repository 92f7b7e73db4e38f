resource "aws_sns_topic" "news" {
  name              = "terraform-news"
  display_name      = "News"
  signature_version = 2
  tags              = { days = var.days }
  delivery_policy = jsonencode({
    http = {
      defaultHealthyRetryPolicy = {
        minDelayTarget     = 10
        maxDelayTarget     = 30
        numRetries         = 3
        numMaxDelayRetries = 0
        numNoDelayRetries  = 0
        numMinDelayRetries = 0
        backoffFunction    = "linear"
      }
      disableSubscriptionOverrides = false
    }
  })
}

resource "aws_sns_topic" "moves" {
  name                        = "terraform-moves.fifo"
  fifo_topic                  = true
  content_based_deduplication = true
  fifo_throughput_scope       = "MessageGroup"
  archive_policy              = var.days == "" ? "{}" : jsonencode({ MessageRetentionPeriod = var.days })
}

resource "aws_sns_topic_policy" "news" {
  arn = aws_sns_topic.news.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Id      = "partners"
    Statement = [{
      Sid       = "Partners"
      Effect    = "Allow"
      Principal = { AWS = "*" }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.news.arn
    }]
  })
}

resource "aws_sqs_queue" "billing" {
  name = "terraform-billing"
}

resource "aws_sqs_queue" "undelivered" {
  name = "terraform-undelivered"
}

resource "aws_sqs_queue" "board" {
  name       = "terraform-board.fifo"
  fifo_queue = true
}

resource "aws_sns_topic_subscription" "billing" {
  topic_arn            = aws_sns_topic.news.arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.billing.arn
  raw_message_delivery = true
  filter_policy        = jsonencode({ days = [var.days] })
  filter_policy_scope  = "MessageBody"
  redrive_policy       = jsonencode({ deadLetterTargetArn = aws_sqs_queue.undelivered.arn })
}

resource "aws_sns_topic_subscription" "board" {
  topic_arn     = aws_sns_topic.moves.arn
  protocol      = "sqs"
  endpoint      = aws_sqs_queue.board.arn
  replay_policy = var.days == "" ? null : jsonencode({ PointType = "Timestamp", StartingPoint = "2023-10-01T10:00:00.000Z" })
}

resource "aws_sns_topic_subscription" "phone" {
  topic_arn = aws_sns_topic.news.arn
  protocol  = "sms"
  endpoint  = "+15550100"
}

variable "days" {
  type = string
}
